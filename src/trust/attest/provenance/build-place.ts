export type Environment = Readonly<Record<string, string | undefined>>;

/** What a CI says about the run that builds; each system says it with other variables. */
export interface BuildPlace {
  readonly buildType: string;
  readonly externalParameters: Readonly<Record<string, unknown>>;
  readonly internalParameters: Readonly<Record<string, unknown>>;
  readonly source: ResourceDescriptor;
  readonly builderId: string;
  readonly builderVersion: Readonly<Record<string, string>>;
  readonly invocationId: string;
}

/** in-toto ResourceDescriptor, the part that is used. */
export interface ResourceDescriptor {
  readonly name?: string;
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}
