import type { Wave } from '../fleet/cascade.ts';
import type { Clock } from '../model/clock.ts';
import type { BaseDecision } from './check-images.ts';
import type { FleetPlace } from './images/fleet-place.ts';

export interface PlanCascadeOptions extends FleetPlace {
  readonly clock: Clock;
  /** Only what these images lead to. */
  readonly images?: readonly string[];
}

export interface CascadePlan {
  /** In order: everything of a wave is built before the next one begins. */
  readonly waves: readonly Wave[];
  /** What would be in the plan but for the quarantine. */
  readonly waiting: readonly BaseDecision[];
}
