import { type BaseName, distinctStem, nameBase, stemOf } from '../base-name.ts';
import type { Ledger } from '../ledger.ts';
import { type BaseRecord, readBaseState, writeBaseState } from './base-state.ts';
import type { StateFolder } from './state-folder.ts';

/** All bases that are known, found by what they are and never by the name of a file. */
export class BaseBook {
  readonly #state: StateFolder;
  readonly #records = new Map<string, BaseRecord>();
  readonly #grown = new Set<string>();
  readonly #stems = new Map<string, string>();

  constructor(state: StateFolder) {
    this.#state = state;
    const all = [...state.bases].flatMap(([stem, file]) => readBaseState(stem, file) ?? []);
    // What a defect left behind gives way to a sound file about the same image.
    for (const record of all.toSorted((a, b) => Number(a.isDefect) - Number(b.isDefect))) this.#take(record);
  }

  get identities(): readonly string[] {
    return [...this.#records.keys()];
  }

  get(identity: string): BaseRecord | undefined {
    return this.#records.get(identity);
  }

  identityOf(stem: string): string | undefined {
    return this.#stems.get(stem);
  }

  /** The record of a base; a new one gets a file name that no other base has. */
  open(base: BaseName): BaseRecord {
    const known = this.#records.get(base.identity);
    if (known !== undefined) return known;
    const isTaken = [...this.#stems.keys()].some(stem => stem.toLowerCase() === base.stem.toLowerCase());
    const record: BaseRecord = {
      stem: isTaken ? distinctStem(base.stem, base.identity) : base.stem,
      identity: base.identity,
      ledger: { history: [] },
      promotions: {},
      platforms: [],
      allowances: [],
      discarded: [],
      isDefect: false,
    };
    this.#add(record);
    return record;
  }

  /** Bases whose history became longer. */
  grown(): readonly string[] {
    return [...this.#grown];
  }

  change(identity: string, change: Partial<BaseRecord>): void {
    const record = this.#records.get(identity);
    if (record === undefined) return;
    const length = change.ledger?.history.length ?? 0;
    if (length > record.ledger.history.length) this.#grown.add(identity);
    this.#records.set(identity, { ...record, ...change });
  }

  changeLedger(identity: string, change: (ledger: Ledger) => Ledger): void {
    const record = this.#records.get(identity);
    if (record !== undefined) this.change(identity, { ledger: change(record.ledger) });
  }

  remove(identity: string): void {
    const record = this.#records.get(identity);
    if (record === undefined) return;
    this.#records.delete(identity);
    this.#stems.delete(record.stem);
    this.#state.remove('base-images', record.stem);
  }

  /** Puts a record into its file; nothing happens when the file says it already. */
  save(base: BaseName, now: string): void {
    const record = this.#records.get(base.identity);
    if (record === undefined) return;
    const file = this.#state.file('base-images', record.stem);
    writeBaseState(file, { base, record, now });
  }

  #take(record: BaseRecord): void {
    if (!record.isDefect) {
      if (!this.#records.has(record.identity)) this.#add(record);
      return;
    }
    this.#state.remove('base-images', record.stem);
    const named = nameBase(record.identity);
    if (this.#records.has(record.identity) || 'problem' in named) return;
    this.open({ ...named.value.base, stem: stemOf(record.identity) });
  }

  #add(record: BaseRecord): void {
    this.#records.set(record.identity, record);
    this.#stems.set(record.stem, record.identity);
  }
}
