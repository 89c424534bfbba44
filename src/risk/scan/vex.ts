import { z } from 'zod';
import { Fault } from '../../ground/fault/fault.ts';
import type { Finding } from '../../model/finding.ts';
import { type PackageUrl, parsePackageUrl } from '../../model/package-url.ts';
import { normaliseName, normaliseVersion } from './merge/package-key.ts';

const Product = z.looseObject({
  '@id': z.string().optional(),
  identifiers: z.record(z.string(), z.string()).optional(),
  hashes: z.record(z.string(), z.string()).optional(),
  subcomponents: z
    .array(
      z.looseObject({
        '@id': z.string().optional(),
        identifiers: z.record(z.string(), z.string()).optional(),
      }),
    )
    .max(10_000)
    .optional(),
});
const Statement = z.looseObject({
  vulnerability: z.union([
    z.string(),
    z.looseObject({
      '@id': z.string().optional(),
      name: z.string().optional(),
      aliases: z.array(z.string()).max(1_000).optional(),
    }),
  ]),
  products: z.array(Product).max(10_000).optional(),
  status: z.enum(['not_affected', 'affected', 'fixed', 'under_investigation']),
  justification: z.string().optional(),
  impact_statement: z.string().optional(),
  timestamp: z.string().optional(),
});
const Document = z.looseObject({
  '@context': z.string().startsWith('https://openvex.dev/ns'),
  author: z.string(),
  timestamp: z.string().optional(),
  statements: z.array(Statement).max(100_000),
});

export interface VexStatement {
  readonly names: readonly string[];
  readonly products: readonly z.infer<typeof Product>[];
  readonly status: 'not_affected' | 'affected' | 'fixed' | 'under_investigation';
  readonly reason: string;
  readonly author: string;
  readonly at: number;
}

/** Reads OpenVEX 0.2. A statement that says `not_affected` without a reason is refused: it says nothing. */
export function readVex(text: string, where: string): readonly VexStatement[] {
  const parsed = Document.safeParse(parseJson(text, where));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(where, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const { author, timestamp, statements } = parsed.data;
  return statements.map((statement, at) => {
    const reason = [statement.justification, statement.impact_statement].filter(Boolean).join(': ');
    if (statement.status === 'not_affected' && reason === '') {
      throw invalid(
        where,
        `statement ${at + 1} says not_affected without a justification or an impact statement`,
      );
    }
    return {
      names: namesOf(statement.vulnerability),
      products: statement.products ?? [],
      status: statement.status,
      reason,
      author,
      at: Date.parse(statement.timestamp ?? timestamp ?? '') || 0,
    };
  });
}

function namesOf(vulnerability: z.infer<typeof Statement>['vulnerability']): readonly string[] {
  if (typeof vulnerability === 'string') return [vulnerability];
  const { name, aliases = [], '@id': id } = vulnerability;
  const last = id?.split('/').at(-1);
  return [name, last, ...aliases].filter(each => each !== undefined);
}

/** Of all statements about a finding the latest holds. One without a product applies to nothing. */
export function applyVex(
  findings: readonly Finding[],
  statements: readonly VexStatement[],
  image: { readonly digest?: string; readonly indexDigest?: string },
): readonly Finding[] {
  if (statements.length === 0) return findings;
  return findings.map(finding => {
    if (finding.disposition.kind !== 'open') return finding;
    const about = statements.filter(each => isAbout(each, finding, image));
    const latest = about.reduce<VexStatement | undefined>(
      (best, each) => (best === undefined || each.at >= best.at ? each : best),
      undefined,
    );
    const isConflict = new Set(about.map(({ status }) => status)).size > 1;
    const flags = isConflict ? { flags: [...(finding.flags ?? []), 'vex-conflict'] } : {};
    if (latest === undefined || (latest.status !== 'not_affected' && latest.status !== 'fixed')) {
      return { ...finding, ...flags };
    }
    const statement = latest.reason === '' ? `said to be ${latest.status}` : latest.reason;
    return { ...finding, ...flags, disposition: { kind: 'vex-not_affected', by: latest.author, statement } };
  });
}

function isAbout(
  { names, products }: VexStatement,
  finding: Finding,
  image: { readonly digest?: string; readonly indexDigest?: string },
): boolean {
  const ids = [finding.id, ...finding.aliases];
  if (!names.some(name => ids.includes(name))) return false;
  return products.some(product => {
    const urls = identifiersOf(product).flatMap(each => parsePackageUrl(each) ?? []);
    const parts = (product.subcomponents ?? []).map(identifiersOf);
    const hashes = Object.entries(product.hashes ?? {}).map(
      ([algorithm, hex]) => `${algorithm.replace(/-/g, '')}:${hex}`,
    );
    if (isImage(urls, hashes, image)) {
      return (
        parts.length === 0 || parts.some(ids => ids.some(each => isPackage(parsePackageUrl(each), finding)))
      );
    }
    // A statement about a package by itself holds wherever the package is.
    return parts.length === 0 && urls.some(url => isPackage(url, finding));
  });
}

function identifiersOf(o: {
  '@id'?: string | undefined;
  identifiers?: Record<string, string> | undefined;
}): readonly string[] {
  return [o['@id'], ...Object.values(o.identifiers ?? {})].filter(each => each !== undefined);
}

function isImage(
  urls: readonly PackageUrl[],
  hashes: readonly string[],
  { digest, indexDigest }: { readonly digest?: string; readonly indexDigest?: string },
): boolean {
  const ours = [digest, indexDigest].filter(each => each !== undefined);
  const theirs = [
    ...hashes,
    ...urls.flatMap(({ type, version }) => (type === 'oci' && version !== undefined ? [version] : [])),
  ];
  return theirs.some(each => ours.includes(each));
}

function isPackage(url: PackageUrl | undefined, { pkg }: Finding): boolean {
  if (url === undefined || url.type !== pkg.type) return false;
  const isSystem = /^(?:deb|apk|rpm)$/.test(url.type);
  const name = isSystem || url.namespace === undefined ? url.name : `${url.namespace}/${url.name}`;
  if (normaliseName(url.type, name) !== pkg.name) return false;
  return url.version === undefined || normaliseVersion(url.type, url.version) === pkg.version;
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('FILE_INVALID', { what: 'the VEX document is not JSON', where, cause });
  }
}

function invalid(where: string, actual: string): Fault {
  return new Fault('FILE_INVALID', {
    what: 'the VEX document cannot be used',
    where,
    expected: 'OpenVEX 0.2',
    actual,
  });
}
