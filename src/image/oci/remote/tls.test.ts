import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { faultOf, planted } from '../../../../test/faults.ts';
import { loopbackCertificate } from '../../../../test/loopback-certificate.ts';
import { quickTiming } from '../../../../test/quick-timing.ts';
import { readBytes } from '../../../ground/http/body.ts';
import { HttpClient } from '../../../ground/http/client.ts';
import { RegistryAccess } from '../access.ts';
import { startRegistry } from '../server/start-registry.ts';
import { RemoteRegistry } from './remote.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function startTls(): Promise<number> {
  const server = createServer(loopbackCertificate, (request, response) =>
    response.end(`secure ${request.headers.host}`),
  );
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  open.push(() => (server.closeAllConnections(), server.close()));
  return (server.address() as AddressInfo).port;
}

function client(options: ConstructorParameters<typeof HttpClient>[0] = {}): HttpClient {
  const http = new HttpClient({ timing: quickTiming(), ...options });
  open.push(() => http.close());
  return http;
}

describe('https', () => {
  it('trusts a private authority only when it is given', async () => {
    const url = new URL(`https://127.0.0.1:${await startTls()}/v2/`);
    const fault = await faultOf(client().request({ url }));
    expect([fault.code, fault.next]).toEqual(['TLS_UNTRUSTED', expect.stringContaining('--ca FILE')]);
    const response = await client({ ca: [loopbackCertificate.cert] }).request({ url });
    expect((await readBytes(response, 100)).toString()).toBe(`secure ${url.host}`);
  });

  it("goes through the tunnel of a proxy, with the proxy's credentials for the proxy only", async () => {
    const port = await startTls();
    const seen: unknown[] = [];
    const proxy = createPlainServer();
    proxy.on('connect', (request, socket) => {
      seen.push(request.url, request.headers['proxy-authorization']);
      const upstream = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      socket.on('error', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    open.push(() => (proxy.closeAllConnections(), proxy.close()));
    const env = {
      HTTPS_PROXY: `http://user:${planted.token}@127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    };
    const http = client({ env, ca: [loopbackCertificate.cert] });
    const response = await http.request({ url: new URL('https://registry.test/v2/') });
    expect((await readBytes(response, 100)).toString()).toBe('secure registry.test');
    expect(seen).toEqual([
      'registry.test:443',
      `Basic ${Buffer.from(`user:${planted.token}`).toString('base64')}`,
    ]);
    const other = await faultOf(http.request({ url: new URL('https://other.test/v2/') }));
    expect([other.code, other.actual]).toEqual(['TLS_UNTRUSTED', 'ERR_TLS_CERT_ALTNAME_INVALID']);
    // The certificate names localhost, and this address is not that.
    const address = await faultOf(http.request({ url: new URL('https://192.0.2.7/v2/') }));
    expect([address.code, address.actual]).toEqual(['TLS_UNTRUSTED', 'ERR_TLS_CERT_ALTNAME_INVALID']);
  });
});

describe('a registry of this machine', () => {
  it('that speaks https is found to do so, with all requests of the beginning', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cg-tls-'));
    open.push(() => rmSync(folder, { recursive: true }));
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(cert, loopbackCertificate.cert);
    writeFileSync(key, loopbackCertificate.key);
    const registry = await startRegistry({ data: join(folder, 'data'), tls: { cert, key } });
    open.push(() => registry.close());
    const name = `127.0.0.1:${registry.port}`;
    const access = new RegistryAccess({ env: {}, ca: [loopbackCertificate.cert], timing: quickTiming() });
    open.push(() => access.close());
    const remote = new RemoteRegistry(access.session(name), 'a/b');
    expect(await Promise.all([remote.head('one'), remote.head('two'), remote.head('three')])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const stranger = new RegistryAccess({ env: {}, timing: quickTiming() });
    open.push(() => stranger.close());
    expect((await faultOf(new RemoteRegistry(stranger.session(name), 'a/b').head('one'))).code).toBe(
      'TLS_UNTRUSTED',
    );
  });
});
