/** Where a fleet is described and where what is known of it is kept. */
export interface FleetPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `images.yaml` without it. */
  readonly imagesYaml?: string;
  /** `.cascadeguard` beside it without it; older places are read when they are all there is. */
  readonly stateDir?: string;
  readonly signal?: AbortSignal;
}
