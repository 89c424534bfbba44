import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { readReferenceSchema } from '../../../../test/reference-schemas.ts';
import { Fault } from '../../../ground/fault/fault.ts';
import type { BuildRecord } from '../../../model/build-record.ts';
import { imagePackageUrl } from './image-package-url.ts';
import { buildProvenance, type ProvenanceInput } from './provenance.ts';

const commit = 'a'.repeat(40);
const digest = `sha256:${'1'.repeat(64)}` as const;

const record: BuildRecord = {
  image: 'registry.example.com/shop/web',
  digest,
  dockerfile: 'web/Dockerfile',
  platforms: ['linux/amd64'],
  buildArgs: { VERSION: '3.20', TOKEN: null },
  bases: [
    { reference: 'node:22', digest: `sha256:${'2'.repeat(64)}`, platform: 'linux/amd64' },
    { reference: 'registry.example.com/base/java:21', digest: `sha256:${'3'.repeat(64)}` },
  ],
  builder: { driver: 'embedded', version: '0.1.0' },
  startedOn: '2026-01-02T03:04:05.678Z',
  finishedOn: '2026-01-02T04:04:06+01:00',
};

const github: ProvenanceInput = {
  ci: 'github',
  version: '0.1.0',
  record,
  claims: {
    job_workflow_ref: 'shop/ci/.github/workflows/build.yml@refs/tags/v1',
    runner_environment: 'github-hosted',
  },
  env: {
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'shop/web',
    GITHUB_WORKFLOW_REF: 'shop/web/.github/workflows/release.yml@refs/heads/main',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_SHA: commit,
    GITHUB_RUN_ID: '77',
    GITHUB_RUN_ATTEMPT: '2',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_TOKEN: 'ghs_secretsecretsecret',
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'also-secret',
  },
};

const gitlab: ProvenanceInput = {
  ci: 'gitlab',
  version: '0.1.0',
  record,
  claims: { ci_config_ref_uri: 'gitlab.com/shop/web//.gitlab-ci.yml@refs/heads/main' },
  env: {
    CI_PROJECT_URL: 'https://gitlab.com/shop/web',
    CI_COMMIT_SHA: commit,
    CI_COMMIT_REF_NAME: 'main',
    CI_CONFIG_PATH: '.gitlab-ci.yml',
    CI_JOB_URL: 'https://gitlab.com/shop/web/-/jobs/99',
    CI_PIPELINE_SOURCE: 'push',
    CI_RUNNER_VERSION: '18.1.0',
    CI_RUNNER_REVISION: 'abc123',
    CI_JOB_TOKEN: 'glcbt-secretsecret',
  },
};

const local: ProvenanceInput = {
  ci: 'local',
  version: '0.1.0',
  record,
  env: {},
  git: { remote: 'git@gitlab.com:shop/web.git', commit, ref: 'refs/heads/main', dirty: true },
};

const withoutGit: ProvenanceInput = { ci: 'local', version: '0.1.0', record, env: {} };

const schema = readReferenceSchema('slsa-provenance-v1');
const schemaLabel = schema === undefined ? ' [needs the SLSA v1 schema]' : '';

describe('provenance', () => {
  it.skipIf(schema === undefined).each([
    ['GitHub Actions', github],
    ['GitLab CI', gitlab],
    ['a laptop', local],
  ])(`of %s is a valid SLSA v1 statement${schemaLabel}`, (_name, input) => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: record.image, digest: { sha256: '1'.repeat(64) } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: buildProvenance(input),
    };
    const validate = ajv.compile(schema ?? {});
    validate(statement);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('of GitHub names the workflow that really runs as builder, and the caller as parameter', () => {
    const { buildDefinition, runDetails } = buildProvenance(github);
    expect(runDetails.builder.id).toBe('https://github.com/shop/ci/.github/workflows/build.yml@refs/tags/v1');
    expect(buildDefinition.externalParameters).toMatchObject({
      workflow: {
        repository: 'https://github.com/shop/web',
        ref: 'refs/heads/main',
        path: '.github/workflows/release.yml',
      },
    });
    expect(runDetails.metadata).toEqual({
      invocationId: 'https://github.com/shop/web/actions/runs/77/attempts/2',
      startedOn: '2026-01-02T03:04:05Z',
      finishedOn: '2026-01-02T03:04:06Z',
    });
  });

  it('of GitLab names the pipeline file as builder and the job as invocation', () => {
    const { buildDefinition, runDetails } = buildProvenance(gitlab);
    expect(runDetails.builder).toEqual({
      id: 'https://gitlab.com/shop/web//.gitlab-ci.yml@refs/heads/main',
      version: { cascadeguard: '0.1.0', embedded: '0.1.0', 'gitlab-runner': '18.1.0 (abc123)' },
    });
    expect(runDetails.metadata.invocationId).toBe('https://gitlab.com/shop/web/-/jobs/99');
    expect(buildDefinition.externalParameters).toMatchObject({
      pipeline: { repository: 'https://gitlab.com/shop/web', ref: 'refs/heads/main' },
    });
  });

  it('lists the source without @ref, then every base by digest', () => {
    expect(buildProvenance(github).buildDefinition.resolvedDependencies).toEqual([
      { name: 'source', uri: 'git+https://github.com/shop/web', digest: { gitCommit: commit } },
      { uri: 'pkg:docker/node@22?platform=linux%2Famd64', digest: { sha256: '2'.repeat(64) } },
      {
        uri: 'pkg:oci/java?repository_url=registry.example.com%2Fbase%2Fjava&tag=21',
        digest: { sha256: '3'.repeat(64) },
      },
    ]);
  });

  it('holds no secret of the environment', () => {
    for (const input of [github, gitlab])
      expect(JSON.stringify(buildProvenance(input))).not.toMatch(/secret/);
  });

  it('of a laptop says so, and that there were changes without a commit; URL credentials are left out', () => {
    const predicate = buildProvenance({
      ...local,
      git: { remote: 'https://me:pw@host.example/shop/web.git', commit, dirty: true },
    });
    expect(predicate.runDetails.builder.id).toBe('https://cascadeguard.dev/builders/local');
    expect(predicate.buildDefinition.internalParameters).toEqual({ dirty: true });
    expect(predicate.buildDefinition.resolvedDependencies[0]?.uri).toBe('git+https://host.example/shop/web');
  });

  const said = {
    github: { repository: 'shop/web', ref: 'refs/heads/main', sha: commit, run_id: '77', event_name: 'push' },
    gitlab: { project_path: 'shop/web', ref: 'main', sha: commit, pipeline_source: 'push' },
  };

  it.each([
    ['GITHUB_REPOSITORY', 'shop/other', github],
    ['GITHUB_REF', 'refs/heads/other', github],
    ['GITHUB_SHA', 'b'.repeat(40), github],
    ['GITHUB_RUN_ID', '78', github],
    ['GITHUB_EVENT_NAME', 'pull_request', github],
    ['GITHUB_SERVER_URL', 'https://github.com.evil.example', github],
    ['CI_PROJECT_URL', 'https://gitlab.com/shop/other', gitlab],
    ['CI_PROJECT_URL', 'https://evil.example/shop/web', gitlab],
    ['CI_COMMIT_SHA', 'b'.repeat(40), gitlab],
    ['CI_COMMIT_REF_NAME', 'other', gitlab],
    ['CI_PIPELINE_SOURCE', 'merge_request_event', gitlab],
  ])('is refused when %s is set to %s and the token of the job says otherwise', (name, value, input) => {
    const iss = input.ci === 'github' ? 'https://token.actions.githubusercontent.com' : 'https://gitlab.com';
    const claims = { ...input.claims, ...said[input.ci as 'github' | 'gitlab'], iss };
    expect(() => buildProvenance({ ...input, claims })).not.toThrow();
    expect(() => buildProvenance({ ...input, claims, env: { ...input.env, [name]: value } })).toThrow(
      expect.objectContaining({ code: 'PROVENANCE_CONTRADICTED', where: name }),
    );
  });

  it.each([
    ['GITHUB_SERVER_URL', 'javascript:alert(1)', github],
    ['GITHUB_REPOSITORY', 'shop/web/../../evil', github],
    ['GITHUB_REPOSITORY', '../..', github],
    ['GITHUB_RUN_ID', '1/../../2', github],
    ['GITHUB_WORKFLOW_REF', 'a\u001B[2Jb', github],
    ['CI_PROJECT_URL', 'https://user:pw@gitlab.com/a/b', gitlab],
    ['CI_JOB_URL', 'https://gitlab.com/x y', gitlab],
  ])('is refused when %s holds %j, which no forge writes', (name, value, input) => {
    expect(() => buildProvenance({ ...input, env: { ...input.env, [name]: value } })).toThrow(
      expect.objectContaining({ code: 'PROVENANCE_INCOMPLETE' }),
    );
  });

  it.each([
    ['a GitHub job without a token', { ...github, claims: {} }, /id-token: write/],
    ['a GitLab job without a token', { ...gitlab, claims: {} }, /id_tokens/],
    ['an environment that is not GitHub', { ...github, env: {} }, /--ci local/],
    ['a short commit', { ...github, env: { ...github.env, GITHUB_SHA: 'abc' } }, /./],
    ['a folder without Git', withoutGit, /git init/],
    ['a builder that is no URI', { ...gitlab, builderId: '4711' }, /./],
  ])('is refused for %s', (_name, input, next) => {
    let thrown: unknown;
    try {
      buildProvenance(input);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Fault);
    expect(thrown).toMatchObject({ code: 'PROVENANCE_INCOMPLETE', next: expect.stringMatching(next) });
  });

  it('takes the pipeline file from the environment of newer GitLab, and tags as tags', () => {
    const env = {
      ...gitlab.env,
      CI_CONFIG_REF_URI: 'gitlab.com/shop/web//ci.yml@refs/tags/v1',
      CI_COMMIT_TAG: 'v1',
    };
    const { buildDefinition, runDetails } = buildProvenance({ ...gitlab, env, claims: {} });
    expect(runDetails.builder.id).toBe('https://gitlab.com/shop/web//ci.yml@refs/tags/v1');
    expect(buildDefinition.externalParameters).toMatchObject({ pipeline: { ref: 'refs/tags/v1' } });
  });
});

describe('package URLs of images', () => {
  it.each([
    ['node:22', undefined, 'pkg:docker/node@22'],
    ['bitnami/redis', undefined, 'pkg:docker/bitnami/redis@latest'],
    [
      `ghcr.io/a/b@${digest}`,
      'linux/arm64',
      `pkg:oci/b@sha256%3A${'1'.repeat(64)}?platform=linux%2Farm64&repository_url=ghcr.io%2Fa%2Fb`,
    ],
  ])('names %s', (reference, platform, url) => expect(imagePackageUrl(reference, platform)).toBe(url));
});
