import type { Cataloguer, FoundPackage } from '../cataloguer.ts';
import { tellsOfPackages } from '../cataloguer.ts';
import { captureWhole } from '../readers/capture.ts';
import { refuse } from '../readers/refuse.ts';
import { lines } from '../readers/stanzas.ts';

const largest = 128 * 1024 * 1024;

/** Alpine's package database (apk-package(5), "installed"): one letter, a colon, a value. */
export const apk: Cataloguer = {
  id: 'apk',
  open(file) {
    if (!/(?:^|\/)lib\/apk\/db\/installed$/.test(file.path)) return undefined;
    return captureWhole(file, largest, bytes => ({
      database: true,
      packages: readInstalled(bytes.toString('utf8')),
    }));
  },
};

export function readInstalled(text: string): FoundPackage[] {
  const found: FoundPackage[] = [];
  let block = new Block();
  let isDatabase = text.trim() === '';
  const finish = (): void => {
    const one = block.toPackage();
    if (one !== undefined) found.push(one);
    isDatabase ||= one !== undefined;
    block = new Block();
  };
  for (const line of lines(text)) {
    if (line === '') finish();
    else block.add(line);
  }
  finish();
  if (!isDatabase) throw refuse('no package database of apk');
  return found;
}

class Block {
  readonly #fields = new Map<string, string>();
  readonly #owns: string[] = [];
  #folder = '';

  add(line: string): void {
    if (line[1] !== ':') return;
    const [key = '', value] = [line[0], line.slice(2)];
    if (key === 'F') this.#folder = value;
    else if (key === 'R') {
      const path = this.#folder === '' ? value : `${this.#folder}/${value}`;
      if (tellsOfPackages(path)) this.#owns.push(path);
    } else if ('PVAoLm'.includes(key) && !this.#fields.has(key)) this.#fields.set(key, value);
  }

  toPackage(): FoundPackage | undefined {
    const name = this.#fields.get('P');
    const version = this.#fields.get('V');
    if (!name || !version) return undefined;
    const [arch, origin, licence, supplier] = ['A', 'o', 'L', 'm'].map(key => this.#fields.get(key));
    return {
      type: 'apk',
      name,
      version,
      ...(arch && { arch }),
      ...(origin && origin !== name && { source: { name: origin, version } }),
      ...(licence && { licenses: [licence] }),
      ...(supplier && { supplier }),
      ...(this.#owns.length > 0 && { owns: this.#owns }),
    };
  }
}
