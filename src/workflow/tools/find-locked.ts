import type { Environment } from '../../ground/http/proxy.ts';
import type { Clock } from '../../model/clock.ts';
import { type FoundTool, findTool } from '../../risk/tools/find-tool.ts';
import { lockFolder, readLock } from './read-lock.ts';
import { checkLockedSignature, type PublisherTrust, publicTrust } from './tool-signature.ts';

export interface ToolPlace {
  readonly cwd: string;
  readonly env: Environment;
  readonly clock: Clock;
  /** Whom signatures of programs are checked against, instead of the public Sigstore. */
  readonly publishers?: PublisherTrust;
}

/** The program on the PATH, and whether the lock of this project lets it run. */
export async function findLockedTool(tool: string, o: ToolPlace): Promise<FoundTool | undefined> {
  return await findTool({
    tool,
    searchPath: o.env['PATH'],
    lock: await readLock(o.cwd),
    checkSignature: checkLockedSignature(
      lockFolder(o.cwd),
      async () => o.publishers ?? (await publicTrust(o.env)),
      o.clock,
    ),
    now: o.clock.now(),
  });
}
