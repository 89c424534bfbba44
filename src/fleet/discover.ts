import { parseDockerfile } from '../image/dockerfile/parse.ts';
import { findMentions, type ImageMention } from '../image/dockerfile/references.ts';
import { positionOf } from '../image/dockerfile/source-text.ts';
import { nameBase } from './base-name.ts';
import type { BaseMention, BaseUse } from './enrolment.ts';
import { isPinnable } from './pin-dockerfile.ts';

export interface DiscoverOptions {
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** TARGETARCH and its kin, one set for each platform. */
  readonly platformArgs?: readonly Readonly<Record<string, string>>[];
}

export interface Finding {
  readonly kind: 'unresolved' | 'invalid' | 'unpinnable' | 'untagged';
  readonly text: string;
  readonly where: string;
}

export interface Discovered {
  readonly uses: readonly BaseUse[];
  readonly findings: readonly Finding[];
  /** With any, the Dockerfile tells nothing: what was known of it stays. */
  readonly problems: readonly string[];
}

/** The bases of a Dockerfile, each once, with every place that names it. */
export function discoverBases(text: string, path: string, o: DiscoverOptions = {}): Discovered {
  const { dockerfile, problems: grammar } = parseDockerfile(text, path);
  // A FROM that cannot be read names no base, and must not look like one less.
  const problems = grammar.length > 0 ? grammar : findMentions(dockerfile, stageOptions(o)).problems;
  const place = (offset: number) => positionOf(text, offset).line;
  if (problems.length > 0) {
    const said = problems.slice(0, 20).map(({ offset, message }) => `${path}:${place(offset)}: ${message}`);
    return { uses: [], findings: [], problems: said };
  }
  const uses = new Map<string, { use: BaseUse; mentions: Map<string, BaseMention> }>();
  const findings = new Map<string, Finding>();
  for (const platformArgs of o.platformArgs ?? [{}]) {
    for (const mention of findMentions(dockerfile, { ...stageOptions(o), platformArgs }).mentions) {
      const where = `${path}:${place(mention.offset)}`;
      const read = readMention(mention, where);
      if ('kind' in read) findings.set(`${read.kind} ${where} ${mention.raw}`, read);
      else {
        const line = place(mention.offset);
        const entry = uses.get(read.use.identity) ?? { use: read.use, mentions: new Map() };
        const pinnable = isPinnable(text, mention, read.use.identity);
        if (!pinnable && mention.kind !== 'frontend')
          findings.set(`unpinnable ${where} ${mention.raw}`, unpinnable(mention, where));
        entry.mentions.set(`${line} ${mention.kind} ${mention.image}`, {
          ref: mention.image,
          kind: mention.kind,
          line,
          isPinnable: pinnable && mention.kind !== 'frontend',
          ...(read.pinned !== undefined && { pinned: read.pinned }),
        });
        uses.set(read.use.identity, entry);
      }
    }
  }
  return {
    uses: [...uses.values()].map(({ use, mentions }) => ({ ...use, mentions: [...mentions.values()] })),
    findings: [...findings.values()],
    problems: [],
  };
}

function readMention(
  mention: ImageMention,
  where: string,
): { readonly use: BaseUse; readonly pinned?: string } | Finding {
  if (mention.missing.length > 0 || mention.image.includes('$')) {
    const names = mention.missing.join(', ') || 'a variable';
    return { kind: 'unresolved', text: `"${mention.raw}" is no image: ${names} has no value`, where };
  }
  const named = nameBase(mention.image);
  if ('problem' in named) {
    const kind = /@/.test(mention.image) ? 'untagged' : 'invalid';
    return { kind, text: `"${mention.raw}": ${named.problem}`, where };
  }
  const { base, digest } = named.value;
  return {
    use: { identity: base.identity, stem: base.stem, mentions: [] },
    ...(digest !== undefined && { pinned: digest }),
  };
}

function unpinnable({ raw }: ImageMention, where: string): Finding {
  return {
    kind: 'unpinnable',
    text: `"${raw}" is built from parts, so there is no one place for a digest`,
    where,
  };
}

function stageOptions({ buildArgs, target }: DiscoverOptions): {
  buildArgs?: Readonly<Record<string, string>>;
  target?: string;
} {
  return { ...(buildArgs !== undefined && { buildArgs }), ...(target !== undefined && { target }) };
}
