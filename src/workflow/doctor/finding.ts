import type { Environment } from '../../ground/http/proxy.ts';
import type { Clock } from '../../model/clock.ts';

export type Health = 'ok' | 'missing' | 'broken' | 'skipped';

/** One line of the table: what was looked at, what was found, and how to mend it. */
export interface Finding {
  readonly area: string;
  readonly check: string;
  readonly health: Health;
  readonly found: string;
  readonly fix?: string;
}

/** The machine as the checks see it. Every check only reads. */
export interface Machine {
  readonly env: Environment;
  readonly cwd: string;
  readonly clock: Clock;
  readonly offline: boolean;
  /** Registries to ask beside those of the logins. */
  readonly registries: readonly string[];
  readonly insecureRegistries: readonly string[];
  readonly caFiles: readonly string[];
  readonly signal: AbortSignal;
}

export type Check = (machine: Machine) => Promise<readonly Finding[]>;
