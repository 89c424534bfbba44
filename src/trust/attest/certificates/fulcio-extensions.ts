/** Fulcio's certificate extensions by name: `1.3.6.1.4.1.57264.1.N`, each a DER UTF8String. */
export const fulcioExtensions = {
  issuer: 8,
  buildSignerUri: 9,
  buildSignerDigest: 10,
  runnerEnvironment: 11,
  sourceRepositoryUri: 12,
  sourceRepositoryDigest: 13,
  sourceRepositoryRef: 14,
  sourceRepositoryIdentifier: 15,
  sourceRepositoryOwnerUri: 16,
  sourceRepositoryOwnerIdentifier: 17,
  buildConfigUri: 18,
  buildConfigDigest: 19,
  buildTrigger: 20,
  runInvocationUri: 21,
  sourceRepositoryVisibility: 22,
  deploymentEnvironment: 23,
  tokenSubject: 24,
} as const;

export type FulcioExtension = keyof typeof fulcioExtensions;

/** The first generation, whose values are bare bytes; only GitHub's certificates have 2 to 6. */
export const firstFulcioExtensions = {
  issuer: 1,
  githubWorkflowTrigger: 2,
  githubWorkflowSha: 3,
  githubWorkflowName: 4,
  githubWorkflowRepository: 5,
  githubWorkflowRef: 6,
} as const;

export type FirstFulcioExtension = keyof typeof firstFulcioExtensions;
