import { Fault } from '../../../ground/fault/fault.ts';
import type { BuildRecord } from '../../../model/build-record.ts';
import { algorithmOf, hexOf } from '../../../model/digest.ts';
import type { Claims } from '../identity-token/claims.ts';
import { requireAgreement } from './agree-with-token.ts';
import type { BuildPlace, Environment, ResourceDescriptor } from './build-place.ts';
import { describeGithub } from './github.ts';
import { describeGitlab } from './gitlab.ts';
import { imagePackageUrl } from './image-package-url.ts';
import { describeLocal, type GitFacts } from './local.ts';

/** The predicate of https://slsa.dev/provenance/v1. */
export interface ProvenancePredicate {
  readonly buildDefinition: {
    readonly buildType: string;
    readonly externalParameters: Readonly<Record<string, unknown>>;
    readonly internalParameters: Readonly<Record<string, unknown>>;
    readonly resolvedDependencies: readonly ResourceDescriptor[];
  };
  readonly runDetails: {
    readonly builder: { readonly id: string; readonly version: Readonly<Record<string, string>> };
    readonly metadata: {
      readonly invocationId: string;
      readonly startedOn: string;
      readonly finishedOn: string;
    };
    readonly byproducts?: readonly ResourceDescriptor[];
  };
}

export interface ProvenanceInput {
  readonly ci: 'github' | 'gitlab' | 'local';
  readonly env: Environment;
  /** Claims of the identity token: only they say which workflow really runs. */
  readonly claims?: Claims;
  /** A builder that users cannot impersonate, when there is one; it wins over what the token says. */
  readonly builderId?: string;
  /** What Git says, where there is no CI. */
  readonly git?: GitFacts;
  readonly record: BuildRecord;
  readonly byproducts?: readonly ResourceDescriptor[];
  readonly version: string;
}

/** Says how an image came to be, from what the CI and the build recorded; nothing is made up and nothing is secret. */
export function buildProvenance(input: ProvenanceInput): ProvenancePredicate {
  const place = describePlace(input);
  const { record } = input;
  return {
    buildDefinition: {
      buildType: place.buildType,
      externalParameters: { ...place.externalParameters, ...buildParameters(record) },
      internalParameters: withoutAbsent({ ...place.internalParameters, inputs: record.inputs }),
      resolvedDependencies: [
        place.source,
        ...record.bases.map(describeBase),
        ...(record.materials ?? []).map(describeMaterial),
      ],
    },
    runDetails: {
      builder: {
        id: requireUri(input.builderId ?? place.builderId),
        version: {
          cascadeguard: input.version,
          [record.builder.driver]: record.builder.version,
          ...place.builderVersion,
        },
      },
      metadata: {
        invocationId: place.invocationId,
        startedOn: toSeconds(record.startedOn),
        finishedOn: toSeconds(record.finishedOn),
      },
      ...(input.byproducts !== undefined && input.byproducts.length > 0 && { byproducts: input.byproducts }),
    },
  };
}

function describePlace(input: ProvenanceInput): BuildPlace {
  if (input.ci !== 'local' && input.claims !== undefined) requireAgreement(input.ci, input.env, input.claims);
  switch (input.ci) {
    case 'github':
      return describeGithub(input.env, input.claims, input.builderId);
    case 'gitlab':
      return describeGitlab(input.env, input.claims, input.builderId);
    case 'local':
      return describeLocal(input.git);
  }
}

function buildParameters(record: BuildRecord): Record<string, unknown> {
  return withoutAbsent({
    image: record.image,
    dockerfile: record.dockerfile,
    context: record.context,
    target: record.target,
    platforms: record.platforms,
    buildArgs: record.buildArgs,
  });
}

function describeBase(base: BuildRecord['bases'][number]): ResourceDescriptor {
  return {
    uri: imagePackageUrl(base.reference, base.platform),
    digest: { [algorithmOf(base.digest)]: hexOf(base.digest) },
  };
}

function describeMaterial({
  uri,
  digest,
}: NonNullable<BuildRecord['materials']>[number]): ResourceDescriptor {
  return { uri, digest: { [algorithmOf(digest)]: hexOf(digest) } };
}

function requireUri(id: string): string {
  if (URL.canParse(id) && /^(?:https?|urn):/.test(id)) return id;
  throw new Fault('PROVENANCE_INCOMPLETE', {
    what: 'the builder is not named by a URI',
    expected: 'https://…',
    actual: id,
  });
}

/** Whole seconds, ending in Z: what every verifier reads. */
function toSeconds(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) {
    throw new Fault('PROVENANCE_INCOMPLETE', {
      what: 'a time of the build record is not a time',
      expected: 'RFC 3339',
      actual: time,
    });
  }
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function withoutAbsent(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== ''),
  );
}
