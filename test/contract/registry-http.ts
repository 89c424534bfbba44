import { afterAll, beforeAll, describe, it } from 'vitest';
import { Client, seededRandom } from '../registry-content.ts';
import { discoveryCases } from './registry-http/discovery.ts';
import { hostileCases } from './registry-http/hostile.ts';
import { managementCases } from './registry-http/management.ts';
import { pullCases } from './registry-http/pull.ts';
import { pushCases } from './registry-http/push.ts';

/** What a case of the contract gets: a repository of its own, a second one, and random numbers. */
export interface Bench {
  readonly base: string;
  readonly client: Client;
  readonly other: Client;
  readonly random: () => number;
}

/** One promise of the distribution specification; the name says which. */
export interface Case {
  readonly name: string;
  readonly run: (bench: Bench) => Promise<void>;
}

export const registryHttpCases: readonly Case[] = [
  ...pullCases,
  ...pushCases,
  ...discoveryCases,
  ...managementCases,
  ...hostileCases,
];

export interface ServedRegistry {
  readonly url: string;
  stop(): Promise<void>;
}

export interface Contract {
  readonly start: () => Promise<ServedRegistry>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cases that this registry is known to fail, with the reason. Each must really fail. */
  readonly differences?: Readonly<Record<string, string>>;
  readonly skip?: boolean;
}

/** Runs every case over HTTP against a registry, whoever wrote it. */
export function registryHttpContract(name: string, contract: Contract): void {
  const { differences = {}, headers = {} } = contract;
  describe.skipIf(contract.skip === true)(name, () => {
    let served: ServedRegistry;
    beforeAll(async () => {
      served = await contract.start();
    });
    afterAll(() => served.stop());

    it('has differences that name cases of the contract', ({ expect }) => {
      const names = registryHttpCases.map(each => each.name);
      expect(Object.keys(differences).filter(difference => !names.includes(difference))).toEqual([]);
      expect(new Set(names).size).toBe(names.length);
    });

    for (const [index, each] of registryHttpCases.entries()) {
      const reason = differences[each.name];
      const test = reason === undefined ? it : it.fails;
      test(reason === undefined ? each.name : `${each.name} (not here: ${reason})`, async () => {
        const repository = (suffix: string): Client =>
          new Client(served.url, `contract/case-${index}${suffix}`, headers);
        const bench = {
          client: repository(''),
          other: repository('/other'),
          random: seededRandom(index + 1),
        };
        await each.run({ ...bench, base: served.url });
      });
    }
  });
}
