import { describe, expect, it } from 'vitest';
import { faultOf, planted } from '../../../../../test/faults.ts';
import { RegistryDouble } from '../../../../../test/registry-double.ts';
import { HttpClient } from '../../../../ground/http/client.ts';
import type { Credential } from '../../credentials/credential.ts';
import { fetchToken } from './token.ts';

const credential: Credential = {
  kind: 'password',
  username: 'me',
  password: planted.password,
  source: 'test',
};

describe('the service that a registry names for tokens', () => {
  it.each([
    'https://127.0.0.1:1/token',
    'https://localhost:1/token',
    'https://localhost.:1/token',
    'https://[::ffff:127.0.0.1]:1/token',
    'http://auth.example.com/token',
  ])('is never %s for a registry elsewhere', async realm => {
    const http = new HttpClient({ env: {} });
    const fault = await faultOf(
      fetchToken({
        http,
        registry: new URL('https://registry.example.com'),
        challenge: { scheme: 'bearer', parameters: { realm } },
        scopes: [],
        credential,
      }),
    );
    expect(fault.code).toBe('REDIRECT_REFUSED');
    expect(fault.message).toContain('does not send credentials to');
    http.close();
  });

  it('gets no refresh token carried on to another origin', async () => {
    const elsewhere = await RegistryDouble.start();
    const service = await RegistryDouble.start({
      intercept: (_, response) => (
        response.writeHead(307, { location: `http://${elsewhere.host}/take` }).end(), true
      ),
    });
    const http = new HttpClient({ env: {} });
    const fault = await faultOf(
      fetchToken({
        http,
        registry: new URL(`http://${service.host}`),
        challenge: { scheme: 'bearer', parameters: { realm: `http://${service.host}/token` } },
        scopes: [],
        credential: { kind: 'identity', token: planted.token, source: 'test' },
      }),
    );
    expect(fault.code).toBe('REDIRECT_REFUSED');
    expect([service.seen[0]?.body.includes(planted.token), elsewhere.seen]).toEqual([true, []]);
    http.close();
    await service.close();
    await elsewhere.close();
  });
});
