import { describe, expect, it } from 'vitest';
import { predicateTypes } from '../../../model/statement.ts';
import { checkPredicate, problemsOfPredicate } from './check-predicate.ts';

const provenance = {
  buildDefinition: {
    buildType: 'https://cascadeguard.dev/build/github/v1',
    externalParameters: { image: 'web' },
    resolvedDependencies: [{ uri: 'git+https://github.com/example/shop', digest: { gitCommit: 'ab12' } }],
  },
  runDetails: {
    builder: { id: 'https://github.com/example/shop/.github/workflows/release.yml@refs/heads/main' },
    metadata: { startedOn: '2026-01-01T00:00:00Z', finishedOn: '2026-01-01T00:01:00Z' },
  },
};

describe('a predicate', () => {
  it('that fits its type, or is of a type that nobody knows, is signed', () => {
    expect(problemsOfPredicate(predicateTypes.slsaprovenance1, provenance)).toEqual([]);
    expect(problemsOfPredicate('https://example.com/x', 42)).toEqual([]);
    expect(problemsOfPredicate('https://spdx.dev/Document/v2.3', { spdxVersion: 'SPDX-2.3' })).toEqual([]);
  });

  it('without parameters, with a runner number for a builder and a local time, is refused, all said at once', () => {
    const { externalParameters: _none, ...buildDefinition } = provenance.buildDefinition;
    const wrong = {
      buildDefinition,
      runDetails: { builder: { id: '12' }, metadata: { startedOn: '2026-01-01T00:00:00+02:00' } },
    };
    expect(() => checkPredicate(predicateTypes.slsaprovenance1, wrong)).toThrow(
      expect.objectContaining({ code: 'STATEMENT_INVALID', faults: expect.objectContaining({ length: 3 }) }),
    );
  });

  it('whose dependency has no digest is refused', () => {
    const wrong = structuredClone(provenance) as { buildDefinition: { resolvedDependencies: unknown[] } };
    wrong.buildDefinition.resolvedDependencies.push(
      { uri: 'pkg:docker/alpine@3' },
      { uri: 'x:y', digest: {} },
    );
    expect(problemsOfPredicate(predicateTypes.slsaprovenance1, wrong)).toHaveLength(2);
  });

  it.each([
    [predicateTypes.cyclonedx, { bomFormat: 'SPDX' }],
    [predicateTypes.spdx, {}],
    [predicateTypes.openvex, { '@context': 'x' }],
    [predicateTypes.vuln, { scanner: {} }],
    [predicateTypes['test-result'], { result: 'MAYBE' }],
    [predicateTypes.vsa, {}],
  ])('of type %s is refused when it is something else', (type, predicate) => {
    expect(problemsOfPredicate(type, predicate).length).toBeGreaterThan(0);
  });
});
