import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readRegularFile, readSmallFile } from './regular-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'cg-regular-'));

it.each([0, 1, 65_535, 65_536, 65_537, 300_000])(
  'reads all of a file of %i bytes, and no more than the limit',
  async size => {
    const [path, bytes] = [join(folder, `${size}`), Buffer.alloc(size, 'x')];
    writeFileSync(path, bytes);
    expect(await readRegularFile(path, size)).toEqual(bytes);
    if (size > 0) expect(await readRegularFile(path, size - 1)).toBeUndefined();
    expect(readSmallFile(path, size)).toEqual(bytes);
    if (size > 0) expect(readSmallFile(path, size - 1)).toBeUndefined();
  },
);

it.skipIf(process.platform !== 'linux')(
  'reads files that say to be empty and are not [needs /proc]',
  async () => {
    expect((await readRegularFile('/proc/self/status', 1_000_000))?.toString()).toContain('Pid:');
    expect(await readRegularFile('/proc/self/status', 10)).toBeUndefined();
    expect(readSmallFile('/proc/self/status', 1_000_000)?.toString()).toContain('Pid:');
    expect(readSmallFile('/proc/self/status', 10)).toBeUndefined();
  },
);
