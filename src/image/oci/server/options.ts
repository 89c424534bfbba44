import type { Clock } from '../../../model/clock.ts';
import type { AccessLog } from './access/access-log.ts';
import type { RegistryLimits } from './service.ts';
import type { TlsFiles } from './tls-server.ts';

export interface RegistryOptions {
  /** Folder of everything that is stored; made when it is missing. */
  readonly data: string;
  /** 127.0.0.1 when it is not given. */
  readonly host?: string;
  /** 0, any free port, when it is not given. */
  readonly port?: number;
  /** Path of a password file (`htpasswd -B`); without it everyone may do everything. */
  readonly htpasswd?: string;
  /** Names besides those of this machine by which a registry without passwords on loopback is reached. */
  readonly allowHosts?: readonly string[];
  readonly tls?: TlsFiles;
  readonly readOnly?: boolean;
  readonly limits?: Partial<RegistryLimits>;
  readonly clock?: Clock;
  /** What the health endpoint says. */
  readonly version?: string;
  readonly accessLog?: AccessLog;
  /** Failures that no client caused. */
  readonly onProblem?: (error: unknown) => void;
  /** How long what is unreachable stays, in milliseconds; a day when it is not given. */
  readonly grace?: number;
  /** Milliseconds between two garbage collections; never when it is not given. */
  readonly gcInterval?: number;
  /** How long `close` waits for running requests, in milliseconds. */
  readonly shutdownTimeout?: number;
}
