import { systemClock } from '../../../model/clock.ts';
import { isLoopbackHost } from '../../../model/image-reference.ts';
import { Credentials } from './access/credentials.ts';
import { AnswerBudget } from './http/answer-budget.ts';
import { createListener, type Listener, urlHost } from './listener.ts';
import { Maintenance } from './maintenance.ts';
import type { RegistryOptions } from './options.ts';
import { defaultLimits, type Service } from './service.ts';
import type { Collected } from './storage/garbage.ts';
import { RegistryStore } from './storage/registry-store.ts';
import { measureUsage, type Usage } from './storage/usage.ts';

/** A registry that serves. */
export interface RunningRegistry {
  /** `http://127.0.0.1:5000`, without a slash at the end. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** The folder with its images. */
  readonly data: string;
  /** Takes no new requests, waits for the running ones (as long as `shutdownTimeout` says), lets the folder go. */
  close(): Promise<void>;
  /** Removes what nothing leads to, while serving. */
  collectGarbage(o?: { readonly untagged?: boolean }): Promise<Collected>;
  usage(): Promise<Usage>;
}

const day = 24 * 3_600_000;

/** Opens the data folder, which no other process may own, and listens. */
export async function startRegistry(o: RegistryOptions): Promise<RunningRegistry> {
  const clock = o.clock ?? systemClock;
  const limits = { ...defaultLimits, ...o.limits };
  const grace = o.grace ?? day;
  const credentials =
    o.htpasswd === undefined
      ? undefined
      : await Credentials.load(o.htpasswd, {
          now: () => clock.now().getTime(),
          report: error => o.onProblem?.(error),
        });
  const store = await RegistryStore.open({
    ...limits,
    data: o.data,
    purpose: 'cg registry serve',
    clock,
    grace,
    readOnly: o.readOnly ?? false,
  });
  const service: Service = {
    store,
    clock,
    limits,
    credentials,
    readOnly: o.readOnly ?? false,
    version: o.version ?? 'unknown',
    startedAt: clock.now().getTime(),
    origins: {
      loopbackOnly: o.htpasswd === undefined && isLoopbackHost(urlHost(o.host ?? '127.0.0.1')),
      allowed: (o.allowHosts ?? []).map(name => name.toLowerCase()),
    },
    answers: new AnswerBudget(limits.answerBytesAtOnce),
    counts: { requests: 0, running: 0, manifestBytes: 0, reportedFullAt: Number.NEGATIVE_INFINITY },
  };
  let listener: Listener;
  try {
    listener = await createListener(service, o);
  } catch (error) {
    store.close();
    throw error;
  }
  const maintenance = new Maintenance(store, grace, o);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([listener.close(o.shutdownTimeout ?? 30_000), maintenance.stop()]);
    store.close();
  };
  return {
    url: listener.url,
    host: listener.host,
    port: listener.port,
    data: o.data,
    close: () => (closing ??= close()),
    collectGarbage: request => maintenance.collect(request),
    usage: () => measureUsage(store),
  };
}
