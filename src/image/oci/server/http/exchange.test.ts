import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Exchange } from './exchange.ts';
import { Refusal } from './refusal.ts';

async function readAll(complete: boolean): Promise<string> {
  const request = Object.assign(Readable.from([Buffer.from('ab'), Buffer.from('c')]), {
    method: 'PUT',
    url: '/',
    headers: {},
    complete,
  }) as unknown as IncomingMessage;
  const exchange = new Exchange(request, {} as ServerResponse);
  let text = '';
  for await (const chunk of exchange.body(3, () => new Refusal(413, 'SIZE_INVALID', 'too large'))) {
    text += chunk.toString();
  }
  return text;
}

describe('the body of a request', () => {
  it('is what was sent', async () => {
    expect(await readAll(true)).toBe('abc');
  });

  it('that ends before its end is refused, whatever arrived', async () => {
    await expect(readAll(false)).rejects.toMatchObject({ status: 400, code: 'SIZE_INVALID' });
  });
});
