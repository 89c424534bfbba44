import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kustomizationFile } from '../src/delivery/gitops/kustomization.ts';
import { open } from '../src/image/oci/open.ts';
import { startRegistry } from '../src/image/oci/server/start-registry.ts';
import { bumpImages } from '../src/workflow/bump-images.ts';
import { reachRegistries } from '../src/workflow/reach-registries.ts';
import { createConfigRepository } from '../test/environments.ts';
import { imageOf, pushImage } from '../test/images.ts';
import { findPeer } from '../test/peers.ts';
import { median } from './median.ts';
import type { Row } from './row.ts';

export const name = 'bump';

const images = 50;
const writers = 24;
const runs = 7;
const digest = `sha256:${'ab'.repeat(32)}`;

/** An edit of many images beside kustomize's own, and many writers of one branch at once. */
export async function run(): Promise<Row[]> {
  return [...(await editMany()), await writeAtOnce()];
}

async function editMany(): Promise<Row[]> {
  const kustomize = findPeer('kustomize58');
  if (kustomize === undefined) return [];
  const folder = mkdtempSync(join(tmpdir(), 'cg-bench-'));
  const names = Array.from({ length: images }, (_, at) => `shop/service-${at}`);
  const text = `images:\n${names.map(one => `- name: ${one} # ${one}\n  newTag: v1\n`).join('')}`;
  const changes = names.map(one => ({ name: one, digest }));
  const [ours, theirs]: [number[], number[]] = [[], []];
  try {
    for (let at = 0; at < runs; at++) {
      let began = performance.now();
      const edited = kustomizationFile.edit(text, changes);
      if ('refusals' in edited || edited.changed.length !== images) throw new Error('the edit was refused');
      ours.push(performance.now() - began);
      writeFileSync(join(folder, 'kustomization.yaml'), text);
      began = performance.now();
      await promisify(execFile)(
        kustomize,
        ['edit', 'set', 'image', ...names.map(one => `${one}=*:*@${digest}`)],
        { cwd: folder },
      );
      theirs.push(performance.now() - began);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const [mine, peer] = [median(ours), median(theirs)];
  return [
    {
      what: `edit of ${images} images, checked by reading it again, in process`,
      ours: mine,
      peer,
      peerName: 'kustomize edit, a process',
      unit: 'ms',
      ratio: peer / mine,
      target: 1,
      ok: peer / mine >= 1,
    },
  ];
}

async function writeAtOnce(): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'cg-bench-'));
  const registry = await startRegistry({ data: join(folder, 'registry') });
  try {
    const host = new URL(registry.url).host;
    const names = Array.from({ length: writers }, (_, at) => `svc${at}`);
    const config = createConfigRepository(names.map(one => `- name: ${one}\n  newTag: v1\n`).join(''));
    const pushed = await reachRegistries({ env: {} }, [], async access => {
      const { registry: target } = await open(`${host}/shop/web:x`, access, { to: 'write' });
      return await Promise.all(names.map(one => pushImage(target, imageOf(one))));
    });
    await Promise.all(
      names.map((one, at) =>
        bumpImages({
          cwd: config.project,
          env: { PATH: process.env['PATH'] },
          environment: 'dev',
          images: [`${one}=${host}/shop/web@${pushed[at] ?? ''}`],
          allowUnverified: true,
          reason: 'a measurement',
        }),
      ),
    );
    const text = config.show('overlays/dev/kustomization.yaml');
    const landed = pushed.filter(one => text.includes(one)).length;
    return {
      what: `${writers} writers of one file at once: how many landed`,
      ours: landed,
      peer: writers,
      peerName: 'all of them',
      unit: 'commits',
      ratio: landed / writers,
      target: 1,
      ok: landed === writers,
    };
  } finally {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
