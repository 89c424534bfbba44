import { describe, expect, it } from 'vitest';
import { componentOf, digest, policyOf } from '../../../test/gate-evidence.ts';
import { problemsOfPolicy } from './check-policy.ts';
import { isSelected, selectionFor } from './select.ts';

const rule = { code: 'cve.cve_blockers', collections: ['minimal'] };
const keeps = (include: readonly string[], exclude: readonly string[], terms: readonly string[] = []) =>
  isSelected(rule, terms, { include, exclude });

describe('include and exclude', () => {
  it.each([
    [['@minimal', 'cve'], ['cve.cve_blockers:CVE-1'], ['CVE-1'], false],
    [['@minimal', 'cve'], ['cve.cve_blockers:CVE-1'], ['CVE-2'], true],
    [['cve'], ['cve'], [], false],
    [['cve.cve_blockers'], ['cve'], [], true],
    [['cve.*'], [], [], true],
    [['*'], ['@minimal'], [], false],
    [['cve:CVE-1'], ['cve'], ['CVE-1'], true],
    [['cve.cve_blockers:CVE-1'], ['cve.cve_blockers', 'cve'], ['CVE-1'], true],
    [['sbom'], [], [], false],
  ])('%j against %j with %j: %s', (include, exclude, terms, kept) => {
    expect(keeps(include, exclude, terms)).toBe(kept);
  });

  it('hold for the images and the time that an exception names, platforms of an index included', () => {
    const source = policyOf(
      ['cve'],
      {},
      { volatileExclude: [{ value: 'cve', componentNames: ['app'], effectiveUntil: '2026-12-01' }] },
    ).sources[0];
    const exclude = (name: string, time: string) =>
      source === undefined ? [] : selectionFor(source, componentOf([], { name }), Date.parse(time)).exclude;
    expect(exclude('app', '2026-11-20')).toEqual(['cve']);
    expect(exclude(`app-${digest}-arm64`, '2026-12-01')).toEqual(['cve']);
    expect(exclude('apple', '2026-11-20')).toEqual([]);
    expect(exclude('app', '2026-12-02')).toEqual([]);
  });
});

describe('a policy that asks for more than cg has', () => {
  const messages = (include: readonly string[], more: object = {}) =>
    problemsOfPolicy(policyOf(include, {}, more)).map(({ message }) => message);
  it('is refused by name', () => {
    expect(messages(['slsa_source_corelated'])[0]).toContain('did you mean "slsa_source_correlated"?');
    expect(messages(['@redhat'])[0]).toContain('holds rules that cg does not have');
    expect(messages(['cve'], { ruleData: { cve_leeway: { high: '3' } } })[0]).toContain(
      'cve.cve_blockers with a leeway',
    );
    expect(messages(['sbom'], { ruleData: { cve_leeway: {} } })).toEqual([]);
    expect(messages(['*'])[0]).toContain('include rules by their names');
    expect(messages(['cve'], { policy: ['git::https://example.com/rules'] })[0]).toContain(
      'would have to be run as Rego',
    );
    expect(messages(['cve'], { policy: ['github.com/conforma/policy-evil//policy/release'] })).toHaveLength(
      1,
    );
  });

  it('is taken when every name is known', () => {
    expect(
      messages(['slsa_source_correlated', 'cve.cve_blockers:CVE-1', 'sbom_spdx.*', '@cascadeguard']),
    ).toEqual([]);
  });
});
