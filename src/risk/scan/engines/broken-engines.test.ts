import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedReport, recordedTarget, stubTool, writeDatabases } from '../../../../test/scan/place.ts';
import { frozenClock } from '../../../model/clock.ts';
import type { EngineStatus } from '../../../model/finding.ts';
import type { FoundTool } from '../../tools/find-tool.ts';
import type { ScanEngine, ScanTarget } from '../engine.ts';
import { defaultScanPolicy } from '../policy.ts';
import { type Scanned, scanTarget } from '../scan-target.ts';
import { GrypeEngine } from './grype.ts';
import { TrivyEngine } from './trivy.ts';

const root = mkdtempSync(join(tmpdir(), 'cg-broken-engines-'));
const clock = frozenClock('2026-11-24T12:00:00Z');
const databases = writeDatabases(root, '2026-11-24T06:00:00Z');
let target: ScanTarget;
let count = 0;

beforeAll(async () => {
  target = await recordedTarget(join(root, 'image'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Name = 'trivy' | 'grype';

function engineOf(
  name: Name,
  script: string,
  o: { tool?: Partial<FoundTool>; cache?: string } = {},
): ScanEngine {
  const tool = { ...stubTool(join(root, String(count++)), name, script), ...o.tool };
  const options = { tool, allowUnverified: false, cacheFolder: o.cache ?? databases[name] };
  return name === 'trivy' ? new TrivyEngine(options) : new GrypeEngine(options);
}

/** The most forgiving policy that there is: one engine is enough, and nothing but critical blocks. */
async function scan(...engines: ScanEngine[]): Promise<Scanned> {
  return await scanTarget({
    subject: { name: 'shop/web' },
    target,
    engines,
    clock,
    timeLimit: 1_500,
    policy: { ...defaultScanPolicy, requireEngines: 1, threshold: 'critical', kevBlocks: false },
  });
}

/** A report in which nothing blocks: the way in which a broken engine would be believed. */
function harmless(name: Name): string {
  const report = JSON.parse(recordedReport(name)) as {
    Results?: { Vulnerabilities: null }[];
    matches?: unknown[];
  };
  for (const result of report.Results ?? []) result.Vulnerabilities = null;
  if (report.matches !== undefined) report.matches = [];
  return JSON.stringify(report);
}

function writing(text: string, then = ''): string {
  return `cat > "$out" <<'END_OF_REPORT'\n${text}\nEND_OF_REPORT\n${then}`;
}

const other = `sha256:${'1'.repeat(64)}`;

function ofAnotherImage(name: Name): string {
  return harmless(name).replace(/"(ImageID|manifestDigest)":"sha256:[0-9a-f]{64}"/, `"$1":"${other}"`);
}

describe.each(['trivy', 'grype'] as const)('%s', name => {
  it.each([0, 1, 2])('is believed for its report and not for its exit code %i', async code => {
    const { report } = await scan(engineOf(name, writing(harmless(name), `exit ${code}`)));
    expect(report.engines[0]).toMatchObject({ outcome: 'ok' });
    expect(report.verdict.status).toBe('allow');
  });

  it('gives what it really reported', async () => {
    const { report } = await scan(engineOf(name, writing(recordedReport(name))));
    expect(report.verdict.status).toBe('deny');
    expect(report.findings.map(({ id, pkg }) => `${id} ${pkg.name}`)).toContain('CVE-2021-23337 lodash');
  });

  const broken: readonly (readonly [string, EngineStatus, () => string])[] = [
    ['killed after its report', 'error', () => writing(harmless(name), 'exit 137')],
    ['killed by a signal', 'error', () => writing(harmless(name), 'kill -9 $$')],
    ['silent', 'bad-report', () => 'exit 0'],
    ['failing without a report', 'error', () => 'echo "FATAL no database" >&2; exit 1'],
    ['cut off in its report', 'bad-report', () => writing(harmless(name).slice(0, -200))],
    ['writing a banner before its report', 'bad-report', () => writing(`Welcome!\n${harmless(name)}`)],
    [
      'writing JSON of another schema',
      'bad-report',
      () => writing('{"SchemaVersion":3,"descriptor":{"name":"x"}}'),
    ],
    ['writing an empty object', 'bad-report', () => writing('{}')],
    ['writing a list', 'bad-report', () => writing('[]')],
    ['looking at another image', 'bad-report', () => writing(ofAnotherImage(name))],
    ['hanging', 'timeout', () => writing(harmless(name), 'exec sleep 60')],
    ['flooding its output', 'error', () => writing(harmless(name), 'exec cat /dev/zero')],
  ];

  it.each(broken)('%s never allows anything', async (_what, outcome, script) => {
    const { report } = await scan(engineOf(name, script()));
    expect(report.engines[0]?.outcome).toBe(outcome);
    expect(report.verdict.status).toBe('indeterminate');
    expect(report.verdict.cause).toBe(outcome === 'bad-report' ? 'trust' : 'remote');
  });

  it('that is broken takes nothing away from what another has proven', async () => {
    const proof = engineOf(
      name === 'trivy' ? 'grype' : 'trivy',
      writing(recordedReport(name === 'trivy' ? 'grype' : 'trivy')),
    );
    const { report } = await scan(engineOf(name, 'exit 1'), proof);
    expect(report.verdict.status).toBe('deny');
  });

  it('with old data, or with data from the future, is stale', async () => {
    for (const builtAt of ['2026-11-01T00:00:00Z', '2027-01-01T00:00:00Z']) {
      const cache = writeDatabases(join(root, `old-${count++}`), builtAt)[name];
      const text = harmless(name).replace(/"built":"[^"]*"/, `"built":"${builtAt}"`);
      const { report } = await scan(engineOf(name, writing(text), { cache }));
      expect(report.engines[0]?.outcome).toBe('stale-db');
      expect(report.verdict.status).toBe('indeterminate');
    }
  });

  it('without any data is stale', async () => {
    const { report } = await scan(engineOf(name, writing(harmless(name)), { cache: join(root, 'nowhere') }));
    expect(report.engines[0]?.outcome).toBe('stale-db');
  });

  it('that nobody vouches for does not run, and when it may run it never allows', async () => {
    const tool = { trust: { trust: 'unverified', reason: 'not in the lock' } } as const;
    const refused = await scan(engineOf(name, writing(harmless(name)), { tool }));
    expect(refused.report.engines[0]?.outcome).toBe('untrusted-binary');
    expect(refused.report.verdict).toMatchObject({ status: 'indeterminate', cause: 'trust' });
    const stub = { ...stubTool(join(root, String(count++)), name, writing(harmless(name))), ...tool };
    const options = { tool: stub, allowUnverified: true, cacheFolder: databases[name] };
    const allowed = await scan(name === 'trivy' ? new TrivyEngine(options) : new GrypeEngine(options));
    expect(allowed.report.engines[0]).toMatchObject({ outcome: 'ok', unverified: true });
    expect(allowed.report.verdict).toMatchObject({ status: 'indeterminate', cause: 'trust' });
  });

  it('sees none of our variables, none of our files, and as root nothing of our process', async () => {
    const spied = process.getuid?.() === 0 ? '|| cat /proc/$PPID/environ >/dev/null 2>&1' : '';
    const spy = `if env | grep -q secret-of-ours || [ -n "$(ls -A)" ] ${spied}; then exit 9; fi\n`;
    process.env.REGISTRY_TOKEN = 'secret-of-ours';
    const { report } = await scan(engineOf(name, spy + writing(harmless(name))));
    delete process.env.REGISTRY_TOKEN;
    expect(report.engines[0]).toMatchObject({ outcome: 'ok' });
  });
});

it('a Trivy that lists no packages of the system is no witness', async () => {
  const report = JSON.parse(harmless('trivy')) as { Results: unknown[] };
  report.Results = [];
  const { report: merged } = await scan(engineOf('trivy', writing(JSON.stringify(report))));
  expect(merged.engines[0]?.outcome).toBe('bad-report');
});

it('a Trivy of a hostile release is not believed, whatever it wrote', async () => {
  const text = harmless('trivy').replace('"Version":"0.74.0"', '"Version":"0.69.4"');
  const { report } = await scan(engineOf('trivy', writing(text)));
  expect(report.engines[0]).toMatchObject({ outcome: 'untrusted-binary' });
});

it('an engine that has nothing where the other has many is silent, and that is no verdict', async () => {
  const many = JSON.parse(recordedReport('grype')) as {
    matches: { vulnerability: { id: string; severity: string } }[];
  };
  const [first] = many.matches;
  many.matches = Array.from({ length: 12 }, (_, at) => {
    const match = structuredClone(first);
    if (match === undefined) throw new Error('the recorded report has no match');
    return {
      ...match,
      vulnerability: { ...match.vulnerability, id: `CVE-2026-${1000 + at}`, severity: 'Low' },
    };
  });
  const { report } = await scan(
    engineOf('grype', writing(JSON.stringify(many))),
    engineOf('trivy', writing(harmless('trivy'))),
  );
  expect(report.verdict).toMatchObject({ status: 'indeterminate', cause: 'trust' });
  expect(report.verdict.rules.find(({ id }) => id === 'silence')?.reason).toContain(
    'trivy has none where grype has 12',
  );
});
