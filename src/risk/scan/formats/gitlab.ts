import { createHash } from 'node:crypto';
import type { Finding, ScanReport } from '../../../model/finding.ts';
import type { Severity } from '../../../model/severity.ts';
import { joinReports } from '../join-reports.ts';
import { advisoryUrl, imageLine, plain } from './sarif.ts';

const schemaVersion = '15.0.7';
const severities: Readonly<Record<Severity, string>> = {
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  negligible: 'Info',
  unknown: 'Unknown',
};

/**
 * GitLab's report of container scanning: what is open in any platform of one image. It names the image the same in
 * every branch and at every digest, because GitLab compares findings by where they are.
 */
export function writeGitlab(reports: readonly ScanReport[], version: string, image?: string): object {
  const joined = joinReports(reports, '');
  const tool = { id: 'cascadeguard', name: 'CascadeGuard', version, vendor: { name: 'CascadeGuard' } };
  const runs = reports.flatMap(({ engines }) => engines);
  const isWhole = joined !== undefined && reports.every(({ verdict }) => verdict.status !== 'indeterminate');
  const line = toImageName(image ?? imageLine(reports[0]?.subject.name ?? ''));
  const open = (joined?.findings ?? []).filter(({ disposition }) => disposition.kind === 'open');
  return {
    version: schemaVersion,
    scan: {
      type: 'container_scanning',
      status: isWhole ? 'success' : 'failure',
      start_time: toSeconds(runs.map(({ startedAt }) => startedAt).toSorted()[0]),
      end_time: toSeconds(endOf(runs)),
      analyzer: tool,
      scanner: tool,
    },
    vulnerabilities: open.map(finding => toVulnerability(finding, line, joined?.inventory.distribution)),
  };
}

/** GitLab takes whole seconds of UTC, without the letter that says so. */
export function toSeconds(time = '1970-01-01T00:00:00Z'): string {
  return new Date(time).toISOString().slice(0, 19);
}

export function endOf(runs: ScanReport['engines']): string | undefined {
  return runs
    .map(({ finishedAt }) => finishedAt)
    .toSorted()
    .at(-1);
}

/** Letters that GitLab takes; where files of an image lie is no part of its name. */
function toImageName(line: string): string {
  const name = line.replace(/^(?:oci|oci-archive|docker-archive|sbom):/, '');
  return name.replaceAll(/[^A-Za-z0-9/_.:-]/g, '_').slice(0, 240) || 'image';
}

/** It takes no empty text. */
function text(said: string): string {
  return plain(said) || 'unknown';
}

function toVulnerability(finding: Finding, line: string, distribution = 'unknown'): object {
  const { id, key, aliases, pkg, effective, fix, title } = finding;
  // It wants a tag; one that moved would make every finding a new one.
  const image = `${line}:scanned`;
  const name = text(pkg.name);
  return {
    id: createHash('sha256').update(`${key}|${line}`).digest('hex'),
    name: text(`${id} in ${name} ${pkg.version}`).slice(0, 255),
    description: text(title ?? id),
    severity: severities[effective.severity],
    solution: fix.available
      ? text(`Upgrade ${name} to ${fix.versions.join(' or ')}`)
      : 'There is no fixed version',
    identifiers: [...new Set([id, ...aliases])].slice(0, 20).map(toIdentifier),
    links: [{ url: advisoryUrl(id) }],
    location: {
      dependency: { package: { name }, version: text(pkg.version) },
      operating_system: text(distribution),
      image,
      default_branch_image: image,
    },
  };
}

function toIdentifier(id: string): object {
  const type = /^([A-Za-z]+)-/.exec(id)?.[1]?.toLowerCase() ?? 'advisory';
  return { type, name: text(id), value: text(id), url: advisoryUrl(id) };
}
