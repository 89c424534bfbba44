import type { Job } from '../model.ts';
import { job, of, step, updateAdvisories } from './making.ts';
import { planJob } from './plan-job.ts';

/** What is affected is tested, built into a folder, scanned and judged, without any credential. */
export function requestJobs(): readonly Job[] {
  return [planJob('pr'), requestJob(), requiredJob()];
}

function requestJob(): Job {
  const [image, reference, scan] = [of('image'), of('reference'), of('scan')];
  return {
    ...job('image', 'pr', 'userCode', 45, { contents: 'read' }),
    perImage: true,
    needs: ['plan'],
    steps: [
      step(['ci', 'test', image]),
      step(['ci', 'build', image, '--oci-layout', of('layout'), '--out', of('output')]),
      step(updateAdvisories, ['ci', 'scan', reference, '--image', image, '--sbom', '--out', scan]),
      step(['ci', 'gate', reference, '--scan', scan]),
    ],
    gives: [{ name: 'cg-scan', days: 14, always: true }],
  };
}

function requiredJob(): Job {
  return { ...job('required', 'pr', 'trusted', 5), needs: ['plan', 'image'], aggregates: true };
}
