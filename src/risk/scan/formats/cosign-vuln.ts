import type { ScanEngineRun, ScanReport } from '../../../model/finding.ts';
import type { EngineRun } from '../engine.ts';

/** A signed predicate travels base64 several times over, so what a larger raw report says travels as our report. */
const largestResult = 1024 * 1024;

const uris: Readonly<Record<string, string>> = {
  trivy: 'pkg:github/aquasecurity/trivy',
  grype: 'pkg:github/anchore/grype',
  embedded: 'pkg:npm/cascadeguard',
};

export interface VulnerabilityPredicate {
  readonly invocation: {
    readonly parameters: readonly string[];
    readonly uri: string;
    readonly event_id: string;
    readonly 'builder.id': string;
  };
  readonly scanner: {
    readonly uri: string;
    readonly version: string;
    readonly db: { readonly uri: string; readonly version: string };
    readonly result: unknown;
  };
  readonly metadata: { readonly scanStartedOn: string; readonly scanFinishedOn: string };
}

/** The predicate `https://cosign.sigstore.dev/attestation/vuln/v1`, one for each engine that was heard. */
export function writeCosignVuln(
  report: ScanReport,
  runs: readonly EngineRun[] = [],
): readonly VulnerabilityPredicate[] {
  return report.engines
    .filter(({ outcome }) => outcome === 'ok')
    .map(engine => ({
      invocation: { parameters: engine.argv ?? [], uri: '', event_id: '', 'builder.id': '' },
      scanner: {
        uri: `${uris[engine.id] ?? `pkg:generic/${engine.id}`}@${engine.version}`,
        version: engine.version,
        db: {
          uri: engine.db?.uri ?? [engine.db?.lineage, engine.db?.digest].filter(Boolean).join('@'),
          version: `${engine.db?.version ?? ''} ${engine.db?.builtAt ?? ''}`.trim(),
        },
        result: resultOf(engine, report, runs),
      },
      metadata: { scanStartedOn: engine.startedAt, scanFinishedOn: engine.finishedAt },
    }));
}

function resultOf(engine: ScanEngineRun, report: ScanReport, runs: readonly EngineRun[]): unknown {
  const run = runs.find(({ id }) => id === engine.id);
  const raw = run?.outcome.status === 'ok' ? run.outcome.report.raw : undefined;
  if (raw !== undefined && raw.length <= largestResult) return JSON.parse(raw.toString('utf8')) as unknown;
  // The embedded engine has no report but ours.
  return {
    ...report,
    ...(raw !== undefined && { raw: { digest: engine.rawDigest, size: raw.length } }),
    findings: report.findings.filter(({ claims }) => claims.some(claim => claim.engine === engine.id)),
  };
}
