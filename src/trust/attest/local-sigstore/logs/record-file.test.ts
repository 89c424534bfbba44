import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RecordFile } from './record-file.ts';

const path = () => join(mkdtempSync(join(tmpdir(), 'cg-records-')), 'log.jsonl');
const silent = () => {};
const text = 'å'.repeat(700);

describe('a file of records', () => {
  it('comes back whole, also where a record lies across the pieces in which it is read', async () => {
    const file = path();
    const records = Array.from({ length: 2000 }, (_, n) => ({ n, text }));
    writeFileSync(file, records.map(one => `${JSON.stringify(one)}\n`).join(''));
    const read = await RecordFile.open(file, silent);
    expect(read.records).toEqual(records);
    await read.file.append({ n: 2000, text });
    await read.file.close();
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(2002);
  });

  it.each([
    ['without its end', '{"n":2'],
    ['that is no JSON', '{"n":\n'],
  ])('drops a last record %s, and nothing else', async (_case, torn) => {
    const file = path();
    writeFileSync(file, `{"n":1}\n${torn}`);
    const warnings: string[] = [];
    const read = await RecordFile.open(file, warning => warnings.push(warning));
    expect([read.records, warnings.length]).toEqual([[{ n: 1 }], 1]);
    await read.file.close();
    expect(readFileSync(file, 'utf8')).toBe('{"n":1}\n');
  });

  it('does not pass over a damaged record in the middle', async () => {
    const file = path();
    writeFileSync(file, '{"n":1}\n{"n":\n{"n":3}\n');
    await expect(RecordFile.open(file, silent)).rejects.toMatchObject({ code: 'FILE_INVALID' });
    expect(readFileSync(file, 'utf8')).toContain('{"n":3}');
  });
});
