import type { Job } from '../model.ts';
import { job, of, step, updateAdvisories } from './making.ts';

/** What environments run is scanned again, by a job that can only read; another one tells the forge. */
export function nightlyJobs(): readonly Job[] {
  return [rescanJob(), reportJob()];
}

function rescanJob(): Job {
  const words = ['ci', 'rescan', '--deployed', '--verify-signatures', '--from-sbom', '--out', of('rescan')];
  return {
    ...job('rescan', 'nightly', 'thirdPartyTool', 60, { contents: 'read', registry: 'read' }),
    reasons: { registry: 'pull only: scanners never see a write or OIDC credential' },
    steps: [step(updateAdvisories), { ...step(words), token: true, secrets: ['CG_GITOPS_TOKEN'] }],
    gives: [{ name: 'cg-rescan', days: 30, always: true }],
    // A token of its own, that may only read what the environments run.
    environment: 'gitops-read',
  };
}

/** No third-party tool runs here. */
function reportJob(): Job {
  return {
    ...job('report', 'nightly', 'trusted', 15, { contents: 'read', findings: 'write' }),
    reasons: { findings: 'SARIF upload, one category per image' },
    needs: ['rescan'],
    takes: ['cg-rescan'],
    always: true,
    steps: [{ ...step(['ci', 'sarif', of('rescan')]), token: true }],
  };
}
