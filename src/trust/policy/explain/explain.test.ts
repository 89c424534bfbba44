import { describe, expect, it } from 'vitest';
import {
  identity,
  inputOf,
  policyOf,
  provenance,
  signature,
  signer,
  trivyScan,
} from '../../../../test/gate-evidence.ts';
import { evaluate } from '../evaluate.ts';
import { explain } from './explain.ts';

describe('an explanation', () => {
  it('shows that nobody in particular, who matches a pattern, would do', () => {
    const pattern = {
      issuerRegExp: '^https://gitlab\\.com$',
      subjectRegExp: '^https://gitlab\\.com/group/[a-z]+//\\.gitlab-ci\\.yml@refs/tags/v[0-9]+\\.[0-9]+$',
    };
    const { components } = explain(inputOf([provenance()], policyOf([], { identities: [pattern] })));
    expect(components[0]?.plan?.map(({ verdictAfter }) => verdictAfter)).toEqual(['deny', 'allow']);
    expect(components[0]?.denials[0]?.fixes[0]?.title).toContain(
      `somebody who matches ${pattern.subjectRegExp}`,
    );
  });

  it('finds the fewest changes that together give an allow, in the order in which they are offered', () => {
    const { components } = explain(inputOf([], policyOf(['slsa_source_correlated', 'sbom.found'])));
    expect(components[0]?.plan?.map(({ kind }) => kind)).toEqual(['evidence', 'evidence', 'evidence']);
    expect(components[0]?.plan?.at(-1)?.verdictAfter).toBe('allow');
  });

  it('changes nothing of what it was given', () => {
    const input = inputOf(
      [signature({ signer: { ...signer, subject: 'https://evil.example' } }), trivyScan()],
      policyOf(['cve', 'slsa_source_correlated']),
    );
    const before = JSON.stringify(input);
    explain(input);
    expect(JSON.stringify(input)).toBe(before);
    expect(JSON.stringify(explain(input))).toBe(JSON.stringify(explain(input)));
  });

  it('offers no other identity unless its certificate is of the expected repository', () => {
    const fixesWith = (sourceRepositoryUri: string) => {
      const other = {
        ...signer,
        subject: `${identity.subject}-other`,
        claims: { ...signer.claims, sourceRepositoryUri },
      };
      const { components } = explain(inputOf([signature({ signer: other }), provenance()], policyOf()));
      return components[0]?.denials.flatMap(({ fixes }) => fixes.map(({ kind }) => kind));
    };
    expect(fixesWith('https://gitlab.com/group/app-evil')).not.toContain('identity');
    expect(
      explain(
        inputOf(
          [
            signature({ signer: { ...signer, subject: `${identity.subject}2` } }),
            provenance({}, { signer: { ...signer, subject: `${identity.subject}2` } }),
          ],
          policyOf(),
        ),
      ).components[0]?.denials.flatMap(({ fixes }) => fixes.map(({ kind }) => kind)),
    ).toContain('identity');
  });

  it('never takes a simulated item for evidence of the verdict itself', () => {
    const input = inputOf([provenance()], policyOf());
    const { components } = explain(input);
    expect(components[0]?.decision).toBe('deny');
    expect(JSON.stringify(evaluate(input))).not.toContain('simulated');
    expect(components[0]?.denials.flatMap(({ evidence }) => evidence).join()).not.toContain('simulated');
  });

  it('stays bounded with hundreds of findings', () => {
    const findings = Array.from({ length: 400 }, (_, at) => ({
      VulnerabilityID: `CVE-${at}`,
      Severity: 'HIGH',
      PkgName: `p${at}`,
      InstalledVersion: '1',
      FixedVersion: '2',
    }));
    const begin = performance.now();
    const { components } = explain(
      inputOf([signature(), provenance(), trivyScan({ findings })], policyOf(['cve'])),
    );
    expect(components[0]?.denials.length).toBe(100);
    expect(components[0]?.more).toBe(300);
    expect(components[0]?.plan).toBeUndefined();
    expect(performance.now() - begin).toBeLessThan(15_000);
  });
});
