import { describe, expect, it } from 'vitest';
import { useRegistry } from '../../../../../test/running-registry.ts';

describe('a running registry without passwords', () => {
  const bench = useRegistry();

  it('refuses what a page on another site sends, and knows the names that it was given', async () => {
    const client = await bench.start({ allowHosts: ['images.example'] });
    const post = (headers: Record<string, string>) => client.send('POST', 'blobs/uploads/', { headers });
    expect((await post({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await post({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await post({ host: 'rebind.evil.example' })).status).toBe(403);
    expect((await post({ host: 'images.example' })).status).toBe(202);
    expect((await post({})).status).toBe(202);
  });
});
