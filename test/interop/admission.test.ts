import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateAdmission } from '../../src/workflow/generate-admission.ts';
import { simulateAdmission } from '../../src/workflow/simulate-admission.ts';
import { findPeer } from '../peers.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'cg-admission-'));
});
afterEach(async () => {
  await rm(cwd, { recursive: true, force: true });
});

const digest = `sha256:${'1'.repeat(64)}`;
const pods: Readonly<Record<string, { readonly spec: object; readonly admitted: boolean }>> = {
  pinned: { spec: { containers: [{ name: 'a', image: `r.io/a@${digest}` }] }, admitted: true },
  'tag-and-digest': { spec: { containers: [{ name: 'a', image: `r.io/a:1@${digest}` }] }, admitted: true },
  tagged: { spec: { containers: [{ name: 'a', image: 'r.io/a:1' }] }, admitted: false },
  short: { spec: { containers: [{ name: 'a', image: 'r.io/a@sha256:11' }] }, admitted: false },
  'tagged-init': {
    spec: {
      containers: [{ name: 'a', image: `r.io/a@${digest}` }],
      initContainers: [{ name: 'i', image: 'b:1' }],
    },
    admitted: false,
  },
  'tagged-ephemeral': {
    spec: {
      containers: [{ name: 'a', image: `r.io/a@${digest}` }],
      ephemeralContainers: [{ name: 'e', image: 'b' }],
    },
    admitted: false,
  },
};

describe('the digest rule of cg admission generate', () => {
  it.skipIf(findPeer('kyverno') === undefined)(
    'admits and refuses in real Kyverno what it should, and what the simulation says [needs kyverno]',
    async () => {
      await generateAdmission({ cwd, name: 'shop', targets: ['vap'], repositories: [], outputFolder: '.' });
      // The binding selects namespaces of a cluster, of which there is none here.
      const [rule = ''] = (await readFile(join(cwd, 'shop-vap.yaml'), 'utf8')).split('---\n');
      await writeFile(join(cwd, 'rule.yaml'), rule);
      for (const [name, { spec, admitted }] of Object.entries(pods)) {
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' }, spec };
        await writeFile(join(cwd, 'pod.json'), JSON.stringify(pod));
        const ran = await promisify(execFile)(
          findPeer('kyverno') ?? '',
          ['apply', 'rule.yaml', '--resource', 'pod.json'],
          {
            cwd,
            timeout: 60_000,
            env: { HOME: cwd, PATH: '' },
          },
        ).catch((error: { stdout: string }) => error);
        const simulated = await simulateAdmission({
          cwd,
          env: {},
          files: ['shop-vap.yaml'],
          pods: ['pod.json'],
        });
        expect({ name, verdict: simulated.pods[0]?.verdict }).toEqual({
          name,
          verdict: admitted ? 'admitted' : 'refused',
        });
        const count = admitted ? 'pass: 1, fail: 0' : 'pass: 0, fail: 1';
        expect({ name, said: ran.stdout.includes(count) ? count : ran.stdout }).toEqual({
          name,
          said: count,
        });
      }
    },
    60_000,
  );
});
