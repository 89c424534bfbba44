import { describe, expect, it } from 'vitest';
import { faultOf } from '../../../../../test/faults.ts';
import { blobOf } from '../../../../../test/images.ts';
import { type DoubleOptions, RegistryDouble } from '../../../../../test/registry-double.ts';
import { RegistryAccess } from '../../access.ts';
import { open } from '../../open.ts';
import type { Registry } from '../../registry.ts';

const small = (text: string) => blobOf(text);

/** A registry that takes a blob along with the request for its upload (distribution specification, "Single POST"). */
const takesWhole: DoubleOptions['intercept'] = (request, response, body, double) => {
  const digest = new URL(request.url ?? '', 'http://double').searchParams.get('digest');
  if (request.method !== 'POST' || digest === null) return false;
  double.repository('shop/web').blobs.set(digest, body);
  response
    .writeHead(201, { location: `/v2/shop/web/blobs/${digest}`, 'docker-content-digest': digest })
    .end();
  return true;
};

async function withRegistry(
  intercept: DoubleOptions['intercept'],
  work: (registry: Registry, double: RegistryDouble) => Promise<void>,
): Promise<void> {
  const double = await RegistryDouble.start(intercept === undefined ? {} : { intercept });
  const access = new RegistryAccess({ env: {}, ca: [], insecureHosts: [], offline: false });
  try {
    const { registry } = await open(`${double.host}/shop/web:1`, access, { to: 'write' });
    await work(registry, double);
  } finally {
    access.close();
    await double.close();
  }
}

describe('a small blob', () => {
  it('is stored by the request that would open its upload, where the registry does that', async () => {
    await withRegistry(takesWhole, async (registry, double) => {
      const { push, descriptor } = small('one');
      expect(await registry.push({ ...push, isNew: true })).toEqual({ outcome: 'uploaded' });
      expect(double.repository('shop/web').blobs.get(descriptor.digest)?.toString()).toBe('one');
      expect([double.count('POST', 'uploads'), double.count('PUT', 'uploads')]).toEqual([1, 0]);
    });
  });

  it('goes on in the upload that a registry opens instead, which is not tried again with the next', async () => {
    await withRegistry(undefined, async (registry, double) => {
      for (const text of ['one', 'two']) await registry.push({ ...small(text).push, isNew: true });
      expect([...double.repository('shop/web').blobs.keys()]).toEqual(
        ['one', 'two'].map(text => small(text).descriptor.digest),
      );
      expect([double.count('POST', 'uploads'), double.count('PUT', 'uploads')]).toEqual([2, 2]);
      expect(double.count('POST', 'digest=')).toBe(1);
    });
  });

  it.each([404, 405, 413, 415, 501])('begins anew where the registry refuses that with %i', async status => {
    const refuses: DoubleOptions['intercept'] = (request, response) => {
      if (request.method !== 'POST' || request.url?.includes('digest=') !== true) return false;
      response.writeHead(status).end();
      return true;
    };
    await withRegistry(refuses, async (registry, double) => {
      await registry.push({ ...small('one').push, isNew: true });
      expect(double.repository('shop/web').blobs.size).toBe(1);
      expect(double.count('POST', 'uploads')).toBe(2);
    });
  });

  it('of which the registry says that it stored other bytes is an error', async () => {
    const lies: DoubleOptions['intercept'] = (request, response) => {
      if (request.method !== 'POST') return false;
      response.writeHead(201, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` }).end();
      return true;
    };
    await withRegistry(lies, async registry => {
      const fault = await faultOf(registry.push({ ...small('one').push, isNew: true }));
      expect(fault.code).toBe('DIGEST_MISMATCH');
    });
  });

  it('that is larger than 64 KiB has an upload of its own', async () => {
    await withRegistry(takesWhole, async (registry, double) => {
      await registry.push({ ...blobOf(Buffer.alloc(65_537)).push, isNew: true });
      expect(double.count('POST', 'digest=')).toBe(0);
    });
  });
});
