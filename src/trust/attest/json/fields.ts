import { decodeBase64 } from './base64.ts';
import { type Json, JsonError, type JsonObject } from './strict-json.ts';

/** Reads fields of protobuf JSON: a field that is missing, null or zero means the same. */
export class Fields {
  readonly #object: JsonObject;
  readonly #path: string;

  constructor(value: Json | undefined, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new JsonError(`${path || 'the document'} is not an object`);
    }
    this.#object = value as JsonObject;
    this.#path = path;
  }

  /** Refuses fields that this reader does not know: what is not understood is not verified. */
  only(...names: readonly string[]): this {
    const stranger = Object.keys(this.#object).find(key => !names.includes(key));
    if (stranger !== undefined) throw new JsonError(`${this.#at(stranger.slice(0, 80))} is an unknown field`);
    return this;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object, name) && this.#object[name] !== null;
  }

  raw(name: string): Json | undefined {
    return this.has(name) ? this.#object[name] : undefined;
  }

  text(name: string): string {
    const value = this.raw(name);
    if (value === undefined) return '';
    if (typeof value !== 'string') throw new JsonError(`${this.#at(name)} is not a text`);
    return value;
  }

  bytes(name: string): Buffer {
    return decodeBase64(this.text(name));
  }

  hex(name: string): Buffer {
    const text = this.text(name);
    if (!/^(?:[0-9a-f]{2})*$/.test(text))
      throw new JsonError(`${this.#at(name)} is not lower-case hexadecimal`);
    return Buffer.from(text, 'hex');
  }

  /** A count: in protobuf JSON 64-bit numbers are texts, elsewhere they are numbers. */
  count(name: string): number {
    const value = this.raw(name);
    if (value === undefined) return 0;
    const isWritten =
      typeof value === 'number' || (typeof value === 'string' && /^(?:0|[1-9]\d*)$/.test(value));
    const count = Number(value);
    if (!isWritten || !Number.isSafeInteger(count) || count < 0) {
      throw new JsonError(`${this.#at(name)} is not a count`);
    }
    return count;
  }

  object(name: string): Fields {
    return new Fields(this.raw(name), this.#at(name));
  }

  list(name: string, max: number): readonly Json[] {
    const value = this.raw(name) ?? [];
    if (!Array.isArray(value)) throw new JsonError(`${this.#at(name)} is not a list`);
    if (value.length > max) throw new JsonError(`${this.#at(name)} has more than ${max} entries`);
    return value as readonly Json[];
  }

  objects(name: string, max: number): Fields[] {
    return this.list(name, max).map((value, n) => new Fields(value, `${this.#at(name)}[${n}]`));
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}
