import { describe, expect, it } from 'vitest';
import { Fault, FaultList } from '../ground/fault/fault.ts';
import { PromotionFile } from './promotion-file.ts';
import { parseConfig } from './read-config.ts';

function problemsOf(text: string): string[] {
  try {
    parseConfig('promotion.yaml', text, PromotionFile);
    return [];
  } catch (error) {
    if (error instanceof FaultList) return error.faults.map(fault => `${fault.where}: ${fault.message}`);
    if (error instanceof Fault) return [`${error.where}: ${error.message}`];
    throw error;
  }
}

describe('promotion.yaml', () => {
  it('demands scans once, whatever they are called: of two only one could count', () => {
    const text =
      'require:\n  - type: vuln\n  - {type: "https://cosign.sigstore.dev/attestation/vuln/v1", failOn: low}\n';
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^promotion\.yaml:3:\d+: .*scans are demanded twice/),
    ]);
  });

  it('names builders once: a second list would widen the first', () => {
    const one = 'type: slsaprovenance1, builders: ["https://b.invalid"]';
    expect(problemsOf(`require:\n  - {${one}}\n  - {${one}}\n`)).toEqual([
      expect.stringContaining('builders are named twice'),
    ]);
  });

  it('refuses what only scans can fulfil beside another type', () => {
    expect(problemsOf('require:\n  - {type: spdxjson, failOn: low}\n')).toEqual([
      expect.stringContaining('only scans (type: vuln) have this'),
    ]);
  });

  it('takes scans beside other evidence', () => {
    expect(problemsOf('require:\n  - {type: vuln, failOn: low}\n  - {type: spdxjson}\n')).toEqual([]);
  });
});
