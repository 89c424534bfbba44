import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { faultOf } from '../../test/faults.ts';
import { readWaivers } from './waivers-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'cg-waivers-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('waivers.yaml', () => {
  const entry = { id: 'CVE-2024-0001', kind: 'accepted', reason: 'r', owner: 'o', expires: '2026-12-31' };
  async function read(change: Record<string, string | undefined>) {
    const lines = Object.entries({ ...entry, ...change }).flatMap(([key, value]) =>
      value === undefined ? [] : [`${key}: ${value}`],
    );
    writeFileSync(join(folder, 'waivers.yaml'), `version: 1\nwaivers:\n  - ${lines.join('\n    ')}\n`);
    return await readWaivers(undefined, folder);
  }

  it('holds a day until its end', async () => {
    expect((await read({}))[0]?.expires.toISOString()).toBe('2026-12-31T23:59:59.000Z');
  });

  it.each(['reason', 'owner', 'expires'])('without %s is refused', async key => {
    const fault = await faultOf(read({ [key]: undefined }));
    expect(fault).toMatchObject({ code: 'FILE_INVALID', kind: 'usage' });
    expect(fault.message).toContain(`"${key}" is missing`);
  });

  it.each(['never', '2026-02-30', '2026-12-31T10:00:00', '31.12.2026'])(
    'that expires "%s" is refused',
    async expires => {
      expect(await faultOf(read({ expires }))).toMatchObject({ code: 'FILE_INVALID' });
    },
  );

  it('that calls something not affected says why', async () => {
    expect(await faultOf(read({ kind: 'not_affected' }))).toMatchObject({ code: 'FILE_INVALID' });
    expect(await read({ kind: 'not_affected', justification: 'component_not_present' })).toHaveLength(1);
  });

  it('is not needed, but when it is named it must be there', async () => {
    expect(await readWaivers(undefined, join(folder, 'nowhere'))).toEqual([]);
    expect(await faultOf(readWaivers('other.yaml', folder))).toMatchObject({ code: 'FILE_MISSING' });
  });
});
