import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.CG_SCHEMAS ?? join(import.meta.dirname, '../../shared/schemas');

/** An official JSON Schema that lies beside the checkout, or undefined where it does not. */
export function readReferenceSchema(name: string): object | undefined {
  const file = join(folder, `${name}.schema.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : undefined;
}
