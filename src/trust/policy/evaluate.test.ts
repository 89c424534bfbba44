import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attestation,
  broken,
  commit,
  cyclonedx,
  digest,
  grypeScan,
  identity,
  inputOf,
  policyOf,
  provenance,
  repository,
  signature,
  signer,
  spdx,
  trivyScan,
} from '../../../test/gate-evidence.ts';
import { predicateTypes } from '../../model/statement.ts';
import { evaluate } from './evaluate.ts';
import { explain } from './explain/explain.ts';
import type { ComponentEvidence, RecordedItem } from './gate-input.ts';
import type { Policy } from './policy.ts';
import { allRules } from './rules/all.ts';

function judge(items: readonly RecordedItem[], policy: Policy, more: Partial<ComponentEvidence> = {}) {
  const verdict = evaluate(inputOf(items, policy, more));
  const violations = verdict.components[0]?.violations ?? [];
  const told = (code: string) => violations.filter(one => one.code === code).map(({ message }) => message);
  return { decision: verdict.decision, codes: violations.map(({ code }) => code), told, verdict };
}

const good = () => [signature(), provenance()];
const scan = {
  scanners: ['trivy', 'grype'],
  maxAge: 168 * 3_600_000,
  maxDatabaseAge: 120 * 3_600_000,
  failOn: 'high',
  fixableOnly: true,
} as const;
const withScan = (include: readonly string[], changes: object = {}) =>
  policyOf(include, {
    requirements: [
      { type: predicateTypes.vuln, by: [identity], quorum: 1, builders: [], scan: { ...scan, ...changes } },
    ],
  });

describe('the source of an image', () => {
  const source = policyOf(['slsa_source_correlated']);
  it.each([
    ['as GitLab jobs write it', `git+${repository}`, { gitCommit: commit }],
    ['with .git', `git+${repository}.git`, { sha1: commit }],
    ['with a ref, as GitHub writes it', `git+${repository}@refs/heads/main`, { gitCommit: commit }],
    ['with a ref behind .git', `git+${repository}.git@refs/tags/v1`, { sha1: commit }],
    [
      'with a slash, a port, a user and capitals in the host',
      'git+https://user@GitLab.com:443/group/app/',
      { gitCommit: commit },
    ],
  ])('is recognised %s', (_how, uri, digests) => {
    expect(judge([signature(), provenance({ uri, digest: digests })], source).decision).toBe('allow');
  });

  it.each([
    ['another commit', `git+${repository}`, { gitCommit: 'f'.repeat(40) }],
    ['a longer name', `git+${repository}-evil`, { gitCommit: commit }],
    ['another host', 'git+https://gitlab.com.evil.example/group/app', { gitCommit: commit }],
    ['another case in the path', 'git+https://gitlab.com/Group/app', { gitCommit: commit }],
    ['no version control system', repository, { gitCommit: commit }],
    ['a branch instead of a commit', `git+${repository}`, { gitCommit: 'main' }],
  ])('is not another one: %s', (_how, uri, digests) => {
    expect(judge([signature(), provenance({ uri, digest: digests })], source).decision).toBe('deny');
  });

  it('may be one of several, unless only the expected one may be', () => {
    const two = [
      signature(),
      provenance(),
      provenance({ uri: 'git+https://evil.example/x', digest: { gitCommit: commit } }),
    ];
    expect(judge(two, source).decision).toBe('allow');
    expect(judge(two, policyOf(['source.only_expected'])).codes).toEqual(['source.only_expected']);
  });

  it('is believed to the certificate, which the job cannot forge', () => {
    const strict = policyOf(['source.certificate_correlated']);
    expect(judge(good(), strict).decision).toBe('allow');
    const claims = { ...signer.claims, sourceRepositoryDigest: 'f'.repeat(40) };
    expect(judge([signature(), provenance({}, { signer: { ...signer, claims } })], strict).codes).toEqual([
      'source.certificate_correlated',
    ]);
  });

  it('must be expected by somebody', () => {
    const { source: _source, ...component } = inputOf(good(), source).components[0] as ComponentEvidence;
    const verdict = evaluate({ ...inputOf([], source), components: [component] });
    expect(verdict.components[0]?.violations.map(({ message }) => message)).toEqual([
      'Expected source code reference was not provided for verification',
    ]);
  });
});

describe('a rule that is asked for', () => {
  it.each(
    allRules
      .filter(
        ({ kind, code, niche }) =>
          kind === 'requires' && niche !== true && !/^image\.|required_types/.test(code),
      )
      .map(({ code }) => code),
  )('%s does not pass with nothing to examine', code => {
    const { decision } = judge(
      [signature(), attestation('https://example.com/other/v1', {})],
      policyOf([code], {}, {}),
      { source: { url: '', revision: '' } },
    );
    expect(decision).toBe(
      code === 'slsa_source_correlated.source_code_reference_provided' || code.startsWith('attestation_type')
        ? 'allow'
        : 'deny',
    );
  });

  it('by its collection may find nothing to examine no more than by its name', () => {
    expect(judge(good(), policyOf(['@cascadeguard'])).codes).toContain('vuln.threshold');
  });

  it('says how many items it examined', () => {
    const { verdict } = judge(
      [signature(), provenance(), provenance()],
      policyOf(['slsa_provenance_available']),
    );
    expect(verdict.components[0]?.rules).toContainEqual({
      code: 'slsa_provenance_available.attestation_predicate_type_accepted',
      status: 'pass',
      examined: 1,
    });
  });
});

describe('builders', () => {
  const policy = policyOf(
    ['slsa_build_build_service'],
    {},
    { ruleData: { allowed_builder_ids: [identity.subject] } },
  );
  it('are looked at in all provenance: a good one never excuses a bad one', () => {
    expect(judge(good(), policy).decision).toBe('allow');
    const laptop = provenance({ builder: 'https://evil.example/laptop' });
    const { decision, told } = judge([...good(), laptop], policy);
    expect([decision, told('slsa_build_build_service.slsa_builder_id_accepted')]).toEqual([
      'deny',
      ['Builder ID "https://evil.example/laptop" is unexpected'],
    ]);
  });

  it('must be named by the certificate as well', () => {
    const trusted = policyOf(
      ['provenance.builder_trusted'],
      {},
      { ruleData: { allowed_builder_ids: ['https://builder.example'] } },
    );
    expect(
      judge([signature(), provenance({ builder: 'https://builder.example' })], trusted).told(
        'provenance.builder_trusted',
      )[0],
    ).toContain('the certificate of its signer does not');
  });
});

describe('scans', () => {
  const trivyFinding = {
    VulnerabilityID: 'CVE-1',
    Severity: 'HIGH',
    PkgName: 'a',
    InstalledVersion: '1',
    FixedVersion: '2',
  };
  const grypeFinding = {
    vulnerability: { id: 'CVE-1', severity: 'Critical', fix: { versions: ['2'], state: 'fixed' } },
    artifact: { name: 'a', version: '1' },
  };
  const all = ['vuln.threshold', 'vuln.scan_fresh', 'vuln.both_scanners'];
  it('of both scanners pass when they are fresh and clean', () => {
    expect(judge([...good(), trivyScan(), grypeScan()], withScan(all)).decision).toBe('allow');
  });

  it('of those whom the demand names are judged too: a clean one by the policy’s own signer hides nothing', () => {
    const auditor = { ...identity, subject: 'https://audit.example/scanner' };
    const byAuditor = { signer: { ...signer, subject: auditor.subject } };
    const found = trivyScan({ findings: [trivyFinding] }, { ...byAuditor, id: 'by the auditor' });
    const cleanLater = trivyScan({ finishedOn: '2026-11-20T03:00:00Z' });
    const policy = policyOf(['vuln.threshold'], {
      requirements: [{ type: predicateTypes.vuln, by: [auditor], quorum: 1, builders: [], scan }],
    });
    expect(judge([...good(), found, cleanLater], policy).codes).toEqual(['vuln.threshold']);
    const clean = trivyScan({}, { ...byAuditor, id: 'by the auditor' });
    expect(judge([...good(), clean, cleanLater], policy).decision).toBe('allow');
  });

  it('are judged by level and by whether there is a fix', () => {
    for (const bad of [trivyScan({ findings: [trivyFinding] }), grypeScan({ findings: [grypeFinding] })]) {
      expect(judge([...good(), bad], withScan(['vuln.threshold'])).codes).toEqual(['vuln.threshold']);
    }
    const unfixed = trivyScan({ findings: [{ ...trivyFinding, FixedVersion: '' }] });
    expect(judge([...good(), unfixed], withScan(['vuln.threshold'])).decision).toBe('allow');
    expect(judge([...good(), unfixed], withScan(['vuln.threshold'], { fixableOnly: false })).decision).toBe(
      'deny',
    );
    const low = trivyScan({ findings: [{ ...trivyFinding, Severity: 'LOW' }] });
    expect(judge([...good(), low], withScan(['vuln.threshold'])).decision).toBe('allow');
    const unknown = trivyScan({ findings: [{ ...trivyFinding, Severity: 'UNKNOWN' }] });
    expect(judge([...good(), unknown], withScan(['vuln.threshold'])).decision).toBe('deny');
  });

  it('are judged by the newest of each scanner', () => {
    const old = trivyScan({ findings: [trivyFinding], finishedOn: '2026-11-19T02:00:00Z' });
    expect(judge([...good(), old, trivyScan()], withScan(['vuln.threshold'])).decision).toBe('allow');
    const newer = trivyScan({ findings: [trivyFinding], finishedOn: '2026-11-20T03:00:00Z' });
    expect(judge([...good(), newer, trivyScan()], withScan(['vuln.threshold'])).decision).toBe('deny');
  });

  it.each([
    ['an old scan', { finishedOn: '2026-11-10T00:00:00Z', database: '2026-11-10T00:00:00Z' }, 'is 252h old'],
    ['old data', { database: '2026-11-01T00:00:00Z' }, 'The data of the scan by trivy was 458h old'],
    ['no age of the data', { database: 'none' }, 'does not say how old its data was'],
    ['a scan in the future', { finishedOn: '2027-01-01T00:00:00Z' }, 'finished in the future'],
  ])('are not fresh: %s', (_what, o, sentence) => {
    expect(
      judge([...good(), trivyScan(o)], withScan(['vuln.scan_fresh'])).told('vuln.scan_fresh')[0],
    ).toContain(sentence);
  });

  it('speak the sentences of the upstream rules', () => {
    const { told } = judge([...good(), trivyScan({ findings: [trivyFinding] })], policyOf(['cve']));
    expect(told('cve.cve_blockers')).toEqual(['Found "CVE-1" vulnerability of high security level']);
    expect(judge(good(), policyOf(['cve'])).told('cve.cve_results_found')).toEqual([
      'CVE scan results were not found',
    ]);
  });
});

describe('bills of materials', () => {
  it('are found, valid, not empty and about this image', () => {
    expect(judge([...good(), spdx()], policyOf(['sbom.found', 'sbom_spdx'])).decision).toBe('allow');
    expect(judge([...good(), cyclonedx()], policyOf(['sbom.found', 'sbom_cyclonedx'])).decision).toBe(
      'allow',
    );
    expect(
      judge([...good(), spdx({}, { packages: [] })], policyOf(['sbom_spdx'])).told(
        'sbom_spdx.contains_packages',
      ),
    ).toEqual(['The list of packages is empty']);
    const other = {
      packages: [{ SPDXID: 'SPDXRef-image', name: 'app', versionInfo: digest.replaceAll('ab', 'cd') }],
    };
    expect(
      judge([...good(), spdx({}, other)], policyOf(['sbom_spdx'])).told('sbom_spdx.matches_image'),
    ).toEqual([
      `Image digest in the SBOM, "${digest.replaceAll('ab', 'cd')}", is not as expected, "${digest}"`,
    ]);
    expect(judge([...good(), cyclonedx('0.9')], policyOf(['sbom_cyclonedx'])).codes).toEqual([
      'sbom_cyclonedx.cdx_supported_version',
    ]);
  });

  it('that nobody signed are named and do not count', () => {
    const { decision, verdict } = judge(
      [...good(), { ...broken(spdx(), 'unsigned'), kind: 'sbom' }],
      policyOf(['sbom.found']),
    );
    expect([decision, verdict.components[0]?.violations[0]?.got]).toEqual([
      'deny',
      expect.stringContaining('only unsigned ones'),
    ]);
  });
});

describe('who counts', () => {
  it('is decided by the policy, whatever was thought when the evidence was collected', () => {
    const doubted = good().map(item => ({
      ...item,
      verified: false,
      reasons: [{ code: 'identity', message: 'signed by somebody else' } as const],
    }));
    expect(judge(doubted, policyOf()).decision).toBe('allow');
    const foreign = { ...signer, subject: `${identity.subject}-evil` };
    expect(
      judge([signature({ signer: foreign }), provenance({}, { signer: foreign })], policyOf()).codes,
    ).toEqual(['builtin.attestation.signature_check', 'builtin.image.signature_check']);
  });

  it('is never a local Sigstore, nor a root that the policy does not name', () => {
    const local = [signature({ trust: 'local:x' }), provenance({}, { trust: 'local:x' })];
    expect(judge(local, policyOf()).codes).toContain('evidence.local_trust');
    expect(judge(local, policyOf([], { trust: { roots: [], allowLocal: true } })).decision).toBe('allow');
    const own = [signature({ trust: 'private:corp' }), provenance({}, { trust: 'private:corp' })];
    expect(judge(own, policyOf()).decision).toBe('deny');
    expect(judge(own, policyOf([], { trust: { roots: ['private:corp'], allowLocal: false } })).decision).toBe(
      'allow',
    );
    expect(
      judge(
        good(),
        policyOf([], { trust: { roots: ['private:corp'], only: ['private:corp'], allowLocal: false } }),
      ).decision,
    ).toBe('deny');
  });

  it('is nobody when the trust root is too old, and that is no deny', () => {
    const { decision, verdict } = judge([broken(signature(), 'stale-trust-root')], policyOf());
    expect([decision, verdict.components[0]?.trouble?.exit]).toEqual(['indeterminate', 4]);
  });

  it('is no key where a requirement names an identity', () => {
    const key = { trust: 'key:x', signer: { kind: 'key', keyId: 'x' } } as const;
    const requirement = { type: 'image-signature', by: [identity], quorum: 1, builders: [] };
    const policy = policyOf(['evidence.required_types'], {
      identities: [],
      publicKey: 'cosign.pub',
      requirements: [requirement],
    });
    const items = [signature(key), provenance({}, key)];
    expect(judge(items, policyOf([], { identities: [], publicKey: 'cosign.pub' })).decision).toBe('allow');
    expect(judge(items, policy).codes).toEqual(['evidence.required_types']);
    expect(judge([...items, signature()], policy).decision).toBe('allow');
  });

  it('must be as many as a requirement says', () => {
    const requirement = {
      type: 'image-signature',
      by: [identity, { ...identity, subject: 'https://audit.example' }],
      quorum: 2,
      builders: [],
    };
    const policy = policyOf(['evidence.required_types'], { requirements: [requirement] });
    expect(judge([...good(), signature()], policy).told('evidence.required_types')[0]).toContain(
      '1 of 2 signers',
    );
    expect(
      judge([...good(), signature({ signer: { ...signer, subject: 'https://audit.example' } })], policy)
        .decision,
    ).toBe('allow');
  });
});

describe('exceptions', () => {
  const finding = {
    VulnerabilityID: 'CVE-1',
    Severity: 'HIGH',
    PkgName: 'a',
    InstalledVersion: '1',
    FixedVersion: '2',
  };
  const items = [...good(), trivyScan({ findings: [finding] })];
  const with_ = (one: object) =>
    policyOf(['cve'], {}, { volatileExclude: [{ value: 'cve.cve_blockers:CVE-1', ...one }] });
  it('hold for their term, their image and their time', () => {
    expect(judge(items, with_({ effectiveUntil: '2026-12-31T00:00:00Z' })).decision).toBe('allow');
    expect(
      judge(items, with_({ effectiveUntil: '2026-12-31T00:00:00Z', imageDigest: digest })).decision,
    ).toBe('allow');
    expect(
      judge(
        items,
        with_({ effectiveUntil: '2026-12-31T00:00:00Z', imageUrl: 'registry.example/group/other' }),
      ).decision,
    ).toBe('deny');
    expect(judge(items, with_({ effectiveOn: '2026-12-01T00:00:00Z' })).decision).toBe('deny');
    expect(judge(items, with_({ value: 'cve.cve_blockers:CVE-2' })).decision).toBe('deny');
  });

  it('that ended do not hold, and are warned about', () => {
    const { decision, verdict } = judge(items, with_({ effectiveUntil: '2026-11-01T00:00:00Z' }));
    expect([decision, verdict.components[0]?.warnings.map(({ code }) => code)]).toEqual([
      'deny',
      ['volatile_config.expired_rule'],
    ]);
  });

  it('weigh as the upstream lists do', () => {
    expect(judge(items, policyOf(['cve'], {}, { exclude: ['cve'] })).decision).toBe('allow');
    expect(judge(items, policyOf(['cve.cve_blockers'], {}, { exclude: ['cve'] })).decision).toBe('deny');
    expect(judge(items, policyOf(['cve'], {}, { exclude: ['cve.cve_blockers:CVE-1'] })).decision).toBe(
      'allow',
    );
  });
});

describe('hostile evidence', () => {
  const everything = policyOf(
    allRules.map(({ code }) => code).filter(code => code !== 'evidence.local_trust'),
    {
      requirements: [
        { type: predicateTypes.vuln, by: [identity], quorum: 1, builders: [identity.subject], scan },
      ],
    },
  );
  const json = fc.jsonValue({ maxDepth: 4 });
  const types = [
    predicateTypes.slsaprovenance1,
    predicateTypes.slsaprovenance,
    predicateTypes.spdx,
    predicateTypes.cyclonedx,
    predicateTypes.vuln,
    predicateTypes.vulns,
  ];

  it('of any shape makes every rule answer, and none throw or pass for want of sense', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...types), json), { maxLength: 4 }), statements => {
        const items = [signature(), ...statements.map(([type, predicate]) => attestation(type, predicate))];
        expect(judge(items, everything).decision).toBe('deny');
      }),
      { seed: 41, numRuns: 1500 },
    );
  });

  it('that has one value of a good predicate replaced is judged, and explained, without an error', () => {
    fc.assert(
      fc.property(fc.nat(), json, fc.constantFrom(...full()), (where, value, item) => {
        const predicate = replaceAt(item.statement?.predicate, where, value);
        const items = full().map(one =>
          one.id === item.id
            ? { ...one, statement: { ...(one.statement as object), predicate } as never }
            : one,
        );
        const input = inputOf(items, everything);
        expect(['allow', 'deny']).toContain(evaluate(input).decision);
        if (where % 40 === 0) expect(['allow', 'deny']).toContain(explain(input).decision);
      }),
      { seed: 42, numRuns: 1000 },
    );
  });
});

describe('taking evidence away', () => {
  const rules = [
    'slsa_source_correlated',
    'slsa_provenance_available',
    'provenance.builder_trusted',
    'source.certificate_correlated',
    'source.only_expected',
    'sbom.found',
    'sbom_spdx',
    'cve',
    'vuln.threshold',
    'vuln.scan_fresh',
    'vuln.both_scanners',
    'evidence.required_types',
  ];
  const policy = policyOf(rules, {
    requirements: [
      { type: predicateTypes.vuln, by: [identity], quorum: 1, builders: [identity.subject], scan },
    ],
  });
  const foreign = { ...signer, subject: 'https://gitlab.com/evil/app//.gitlab-ci.yml@refs/heads/main' };

  it('the whole of it is allowed', () => {
    expect(judge(full(), policy).codes).toEqual([]);
  });

  // Each piece is there once; of two scans by one scanner the newest counts, and whoever hides it is found out by its age.
  it('or corrupting it never turns a deny into an allow', () => {
    const bad = { VulnerabilityID: 'CVE-1', Severity: 'HIGH', FixedVersion: '2' };
    const spoilt: readonly ((items: RecordedItem[]) => RecordedItem[])[] = [
      items => items.map(item => (item.kind === 'signature' ? { ...item, signer: foreign } : item)),
      items => [
        ...items.filter(({ statement }) => statement?.predicateType !== predicateTypes.slsaprovenance1),
        provenance({ digest: { gitCommit: 'f'.repeat(40) } }),
      ],
      items => [
        ...items.filter(({ statement }) => statement?.predicateType !== predicateTypes.slsaprovenance1),
        provenance({ builder: 'https://evil.example' }),
      ],
      items => [
        ...items.filter(({ statement }) => statement?.predicateType !== predicateTypes.vuln),
        grypeScan(),
        trivyScan({ findings: [bad] }),
      ],
      items => [
        ...items.filter(({ statement }) => statement?.predicateType !== predicateTypes.vuln),
        trivyScan(),
      ],
      items => items.filter(({ statement }) => statement?.predicateType !== predicateTypes.spdx),
    ];
    const mutation = fc.record({
      at: fc.nat({ max: 9 }),
      how: fc.constantFrom('remove', 'corrupt', 'foreign', 'local', 'empty'),
    });
    fc.assert(
      fc.property(fc.constantFrom(...spoilt), fc.array(mutation, { maxLength: 6 }), (spoil, mutations) => {
        const items = spoil([...full()]);
        expect(judge(items, policy).decision).toBe('deny');
        const mutated = mutations.reduce((left, { at, how }) => mutate(left, at, how), items);
        expect(judge(mutated, policy).decision).not.toBe('allow');
      }),
      { seed: 43, numRuns: 3000 },
    );
  });

  it('never satisfies a rule that requires something', () => {
    const required = new Set(allRules.filter(({ kind }) => kind === 'requires').map(({ code }) => code));
    fc.assert(
      fc.property(fc.subarray([...full()]), fc.subarray([...full()]), (some, gone) => {
        const fewer = some.filter(item => !gone.includes(item));
        const failing = (items: readonly RecordedItem[]) =>
          judge(items, policy).codes.filter(code => required.has(code) || code.startsWith('builtin.'));
        const after = judge(fewer, policy);
        // Whoever has no attestation left is not asked the rest, and denied all the same.
        if (after.codes.includes('builtin.attestation.signature_check')) return;
        for (const code of failing(some)) expect(after.decision, code).toBe('deny');
      }),
      { seed: 44, numRuns: 1000 },
    );
  });

  function mutate(items: RecordedItem[], at: number, how: string): RecordedItem[] {
    const index = at % Math.max(1, items.length);
    const item = items[index];
    if (item === undefined) return items;
    const statement = item.statement === undefined ? undefined : { ...item.statement, predicate: {} };
    const changed: Record<string, readonly RecordedItem[]> = {
      remove: [],
      corrupt: [broken(item)],
      foreign: [{ ...item, signer: foreign }],
      local: [{ ...item, trust: 'local:x' }],
      empty: [{ ...item, ...(statement !== undefined && { statement }) }],
    };
    return items.toSpliced(index, 1, ...(changed[how] ?? []));
  }
});

describe('a verdict', () => {
  it('is the same bytes for the same input, and does not depend on the order of what was found', () => {
    const input = inputOf([...full()], policyOf(['slsa_source_correlated', 'cve']));
    const bytes = JSON.stringify(evaluate(input));
    expect(JSON.stringify(evaluate(JSON.parse(JSON.stringify(input))))).toBe(bytes);
    const codes = (items: readonly RecordedItem[]) =>
      judge(items, policyOf(['cve', 'slsa_source_correlated'])).codes;
    expect(codes([...full()].reverse())).toEqual(codes(full()));
  });

  it('on nothing is no allow', () => {
    expect(evaluate({ ...inputOf([], policyOf()), components: [] }).decision).toBe('indeterminate');
  });
});

const pieces = [signature(), provenance(), spdx(), trivyScan(), grypeScan()];
function full(): readonly RecordedItem[] {
  return pieces;
}

/** One value somewhere inside, counted in the order in which a walk meets them, is another. */
function replaceAt(value: unknown, where: number, replacement: unknown): unknown {
  const places: (string | number)[][] = [];
  const walk = (node: unknown, path: (string | number)[]) => {
    places.push(path);
    if (typeof node !== 'object' || node === null) return;
    for (const [key, child] of Object.entries(node))
      walk(child, [...path, Array.isArray(node) ? Number(key) : key]);
  };
  walk(value, []);
  const path = places[where % places.length] ?? [];
  if (path.length === 0) return replacement;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  let node = copy;
  for (const step of path.slice(0, -1)) node = node[step] as Record<string | number, unknown>;
  node[path.at(-1) ?? ''] = replacement;
  return copy;
}
