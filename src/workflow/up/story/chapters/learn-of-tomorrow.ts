import type { ReleasedImage } from '../../../release-image.ts';
import { scanImage } from '../../../scan-image.ts';
import type { Teller } from '../teller.ts';
import type { Workshop } from '../workshop.ts';
import { learnAdvisories } from './learn-advisories.ts';
import { advisoriesOf } from './release-services.ts';

/** What runs is scanned again: a new advisory is a new finding, and without one nothing is new. */
export async function learnOfTomorrow(
  workshop: Workshop,
  teller: Teller,
  released: ReadonlyMap<string, ReleasedImage>,
): Promise<void> {
  const before = await rescan(workshop, released);
  await learnAdvisories(workshop, teller, ['today', 'tomorrow']);
  const after = await rescan(workshop, released);
  const found = [...after].filter(key => !before.has(key)).map(key => key.split(' ')[1] ?? '');
  for (const key of after) if (!before.has(key)) teller.line(`new   ${key}`);
  teller.claim(
    'one vulnerability is new: CVE-2025-6020',
    new Set(found).size === 1 && found[0] === 'CVE-2025-6020',
    found.join(', '),
  );
  const again = await rescan(workshop, released);
  teller.claim(
    'a second run finds nothing new and nothing less',
    [...again].join('\n') === [...after].join('\n'),
  );
}

/** `service CVE package`, of everything that is in production. */
async function rescan(
  workshop: Workshop,
  released: ReadonlyMap<string, ReleasedImage>,
): Promise<ReadonlySet<string>> {
  const { env, clock, version, signal, folder } = workshop;
  const keys = new Set<string>();
  for (const [name, { image }] of released) {
    const { reports } = await scanImage({
      target: image,
      cwd: folder,
      env,
      clock,
      version,
      signal,
      engines: ['embedded'],
      database: advisoriesOf(workshop),
      policy: { requireEngines: 1 },
    });
    for (const { findings } of reports)
      for (const { id, pkg } of findings) keys.add(`${name} ${id} ${pkg.name} ${pkg.version}`);
  }
  return keys;
}
