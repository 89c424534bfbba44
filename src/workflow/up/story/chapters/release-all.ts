import type { ReleasedImage } from '../../../release-image.ts';
import { scanActions } from '../../../scan-image.ts';
import type { Repositories } from '../repositories.ts';
import type { Teller } from '../teller.ts';
import type { Workshop } from '../workshop.ts';
import { releaseService, type Service, services } from './release-services.ts';

/** Two services pass; the two on the flawed base are stopped before anything is signed, and told what to change. */
export async function releaseAll(
  workshop: Workshop,
  teller: Teller,
  repositories: Repositories,
): Promise<ReadonlyMap<string, ReleasedImage>> {
  const released = new Map<string, ReleasedImage>();
  for (const service of services) {
    const image = await releaseService(workshop, repositories, service);
    released.set(service.name, image);
    describeRelease(teller, service, image);
  }
  const flawed = services.filter(({ base }) => base === 'debian').map(({ name }) => released.get(name));
  const stopped = flawed.filter(image => image?.outcome === 'scan');
  teller.claim(
    'what stands on debian:12 is denied by its scan, and gets neither a signature nor a tag',
    stopped.length === flawed.length,
  );
  const [report] = stopped[0]?.scanned.reports ?? [];
  const finding = report?.findings.find(({ id }) => id === 'CVE-2024-6119');
  teller.claim(
    'because of CVE-2024-6119 in OpenSSL, which comes from the base',
    finding?.pkg.layer?.inherited === true,
  );
  const actions = report === undefined ? [] : scanActions(report);
  for (const { what, removes } of actions) teller.line(`→ ${what}  (${removes})`);
  teller.claim(
    'the way out is named: a newer base',
    actions[0]?.what.includes('newer base image') === true,
    actions[0]?.what,
  );
  const passed = services.filter(({ base }) => base === 'alpine').map(({ name }) => released.get(name));
  teller.claim(
    'what stands on alpine:3.20 passes, proven by a GitHub and by a GitLab identity',
    passed.every(image => image?.outcome === 'released'),
    passed.map(reasonOf).join('; '),
  );
  return released;
}

export function describeRelease(teller: Teller, { name, forge }: Service, image: ReleasedImage): void {
  const mark = image.outcome === 'released' ? '✓' : '✗';
  const what =
    image.outcome === 'released' ? `released as ${image.tagged ?? ''}` : `stopped at the ${image.outcome}`;
  teller.line(`${mark} ${name.padEnd(8)} ${forge}   ${image.digest.slice(0, 19)}   ${what}`);
}

export function reasonOf(image: ReleasedImage | undefined): string {
  if (image === undefined) return 'not built';
  const violations =
    image.verdict?.components.flatMap(component =>
      component.violations.map(({ code, message }) => `${code}: ${message}`),
    ) ?? [];
  const rules = image.scanned.reports.flatMap(({ verdict }) =>
    verdict.rules.filter(({ result }) => result !== 'pass').map(({ id, reason }) => `${id}: ${reason ?? ''}`),
  );
  return `${image.image} ${image.outcome}: ${[...violations, ...rules].slice(0, 5).join('; ')}`;
}
