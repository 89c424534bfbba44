import { Fault } from '../../../ground/fault/fault.ts';
import { productUris } from '../../../model/product-uris.ts';
import type { BuildPlace } from './build-place.ts';
import { requireCommit } from './require-variable.ts';

/** What Git knows about the folder that was built. */
export interface GitFacts {
  /** The remote's URL, or a file URL where there is none. */
  readonly remote: string;
  readonly commit: string;
  readonly ref?: string;
  /** Changes that no commit holds. */
  readonly dirty: boolean;
}

/** A person's machine: it proves nothing about itself, and says so in the name of its builder. */
export function describeLocal(git: GitFacts | undefined): BuildPlace {
  if (git === undefined) {
    throw new Fault('PROVENANCE_INCOMPLETE', {
      what: 'the folder is not in a Git repository with a commit, so there is no source to name',
      next: 'git init && git add . && git commit',
    });
  }
  const uri = sourceUri(git.remote);
  return {
    buildType: productUris.buildTypes.local,
    externalParameters: {
      source: { repository: uri.replace(/^git\+/, ''), ...(git.ref !== undefined && { ref: git.ref }) },
    },
    // Provenance that hides uncommitted changes would be a lie.
    internalParameters: { dirty: git.dirty },
    source: { name: 'source', uri, digest: { gitCommit: requireCommit(git.commit, git.remote) } },
    builderId: productUris.localBuilder,
    builderVersion: {},
    invocationId: `urn:git:${git.commit}`,
  };
}

/** `git@host:group/app.git` and `https://user:secret@host/group/app.git` name the same source. */
function sourceUri(remote: string): string {
  const scp = /^(?:[^@/]+@)?([^:/]+):(?!\/)(.+)$/.exec(remote);
  const text = scp && !remote.includes('://') ? `https://${scp[1]}/${scp[2]}` : remote;
  if (!URL.canParse(text)) {
    throw new Fault('PROVENANCE_INCOMPLETE', {
      what: 'the Git remote is not a URL',
      expected: 'https://…, ssh://… or git@host:path',
      actual: text,
    });
  }
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return `git+${url.href.replace(/\.git$/, '')}`;
}
