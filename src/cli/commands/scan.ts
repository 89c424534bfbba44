import { exitCodes } from '../../ground/fault/exit-codes.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { stage } from '../../ground/progress/progress.ts';
import { formatJson } from '../../ground/terminal/format-json.ts';
import { defined } from '../../model/defined.ts';
import { type Severity, severities } from '../../model/severity.ts';
import {
  engineNames,
  type ScannedWithRuns,
  scanImage,
  writeCosignVuln,
  writeGitlab,
  writeJunit,
  writeSarif,
} from '../../workflow/scan-image.ts';
import { defineCommand } from '../command.ts';
import { completeImageArgument, platforms, reachOptions, registryFlags } from '../registry-flags.ts';
import { renderScan } from '../show/scan.ts';
import { version } from '../version.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg scan ghcr.io/shop/web:1.4', does: 'every scanner that is here, one answer' },
    {
      run: 'cg scan 127.0.0.1:5000/shop/web:1.4 --engine embedded --require 1-engine',
      does: 'on a machine without scanners; the answer says that it is one opinion',
    },
    { run: 'cg scan oci:./web --all --severity medium', does: 'what has no fix blocks too, from medium up' },
    {
      run: 'cg scan sbom:web.cdx.json --output sarif --output-file web.sarif',
      does: 'from an inventory, for a forge',
    },
  ],
  about:
    'Exit code 0: allow. 1: deny. 3: no verdict, because a scanner or its data could not be had. 4: no verdict, because\n' +
    'something cannot be trusted. What .cascadeguard.yaml says under "scan" holds where no flag does. A scanner that fails, hangs, says nothing or has old data never means allow. The image is\n' +
    'pulled once, by its digest, and every scanner sees the same bytes, without network and without your credentials.',
  args: [
    {
      name: 'TARGET',
      brief: 'an image, oci:FOLDER, oci-archive:FILE, docker-archive:FILE, or sbom:FILE',
      required: true,
      complete: completeImageArgument,
    },
  ],
  flags: {
    engine: {
      kind: 'text',
      placeholder: 'NAME',
      brief: 'only this engine; all that are here unless said otherwise',
      many: true,
      choices: engineNames,
      group: 'Engines',
    },
    require: {
      kind: 'text',
      placeholder: 'N',
      brief: 'how many engines must have looked; 2-engines unless said otherwise',
      choices: ['1-engine', '2-engines', '3-engines'],
      group: 'Engines',
    },
    independent: { kind: 'toggle', brief: 'with as many different advisory databases', group: 'Engines' },
    allowUnverifiedTools: {
      kind: 'toggle',
      brief: 'run scanners that the lock does not vouch for; they can deny, but never allow',
      group: 'Engines',
    },
    acceptSilence: {
      kind: 'toggle',
      brief: 'an engine that finds much less than the last time is right',
      group: 'Engines',
    },
    maxDbAge: {
      kind: 'duration',
      placeholder: 'TIME',
      brief: 'older advisories count as none; 5d unless said otherwise',
      group: 'Engines',
    },
    db: {
      kind: 'text',
      placeholder: 'FOLDER',
      brief: 'where cg db keeps its index',
      env: 'CG_DB',
      complete: 'files',
      group: 'Engines',
    },
    severity: {
      kind: 'text',
      placeholder: 'LEVEL',
      brief: 'what blocks, from this severity up; high unless said otherwise',
      choices: severities,
      group: 'Verdict',
    },
    all: { kind: 'toggle', brief: 'block what has no fix as well', group: 'Verdict' },
    fixableOnly: {
      kind: 'toggle',
      brief: 'block only what has a fix, which is so unless --all',
      group: 'Verdict',
    },
    blockOn: {
      kind: 'text',
      placeholder: 'WHO',
      brief: 'how many engines must say it before it blocks; any unless said otherwise',
      choices: ['any', 'all'],
      group: 'Verdict',
    },
    waivers: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'accepted risks; waivers.yaml unless said otherwise',
      complete: 'files',
      group: 'Verdict',
    },
    vex: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'OpenVEX: what does not affect this image',
      many: true,
      complete: 'files',
      group: 'Verdict',
    },
    exitCode: {
      kind: 'toggle',
      brief: 'leave with 0 whatever the verdict is',
      fallback: true,
      group: 'Verdict',
    },
    platform: {
      kind: 'text',
      placeholder: 'OS/ARCH',
      brief: 'only this platform; all of an index unless said otherwise',
      complete: () => platforms,
    },
    base: {
      kind: 'text',
      placeholder: 'IMAGE',
      brief: 'the image it was built on: its flaws are fixed there',
      complete: completeImageArgument,
    },
    cache: { kind: 'toggle', brief: 'read every layer again, and keep nothing', fallback: true },
    ...registryFlags,
  },
  formats: {
    sarif: result => formatJson(writeSarif(result.reports, version)),
    gitlab: result => formatJson(writeGitlab(result.reports, version)),
    junit: result => writeJunit(result.reports),
    'cosign-vuln': formatPredicates,
  },
  async run({ flags, args: [target = ''] }, context) {
    const reach = await reachOptions(flags, context);
    const result = await stage(context.progress, `scan ${target}`, id =>
      scanImage({
        ...reach,
        target,
        cwd: context.cwd,
        clock: context.clock,
        version,
        cache: flags.cache,
        vexFiles: flags.vex,
        allowUnverifiedTools: flags.allowUnverifiedTools,
        acceptSilence: flags.acceptSilence,
        policy: policyOf(flags),
        onLayer: (done, total) => context.progress({ type: 'amount', id, done, total, unit: 'items' }),
        ...(flags.engine.length > 0 && { engines: flags.engine }),
        ...defined({
          platform: flags.platform,
          base: flags.base,
          waiversFile: flags.waivers,
          database: flags.db,
        }),
      }),
    );
    return { result, exit: flags.exitCode ? exitOf(result) : exitCodes.done };
  },
  text: renderScan,
});

function policyOf(flags: {
  readonly require: string | undefined;
  readonly independent: boolean;
  readonly blockOn: 'any' | 'all' | undefined;
  readonly severity: Severity | undefined;
  readonly all: boolean;
  readonly fixableOnly: boolean;
  readonly maxDbAge: number | undefined;
}): NonNullable<Parameters<typeof scanImage>[0]['policy']> {
  return defined({
    requireEngines: flags.require === undefined ? undefined : Number(flags.require[0]),
    independent: flags.independent ? true : undefined,
    blockOn: flags.blockOn,
    threshold: flags.severity,
    fixableOnly: flags.fixableOnly ? true : flags.all ? false : undefined,
    maxDbAge: flags.maxDbAge,
  });
}

function exitOf({ verdict }: ScannedWithRuns): 0 | 1 | 3 | 4 {
  if (verdict.status === 'allow') return exitCodes.done;
  if (verdict.status === 'deny') return exitCodes.deny;
  return verdict.cause === 'trust' ? exitCodes.trust : exitCodes.remote;
}

/** One predicate alone, as cg attest takes it; several are a list. */
function formatPredicates(result: ScannedWithRuns): string {
  const predicates = result.reports.flatMap((report, at) => writeCosignVuln(report, result.runs[at]));
  if (predicates.length === 0)
    throw new Fault('SCAN_UNHEARD', {
      what: 'no engine was heard, so there is nothing that could be attested',
      where: result.reports[0]?.subject.name ?? 'the scan',
      actual: result.reports
        .flatMap(({ engines }) => engines.map(({ id, outcome }) => `${id}: ${outcome}`))
        .join(', '),
    });
  return formatJson(predicates.length === 1 ? predicates[0] : predicates);
}
