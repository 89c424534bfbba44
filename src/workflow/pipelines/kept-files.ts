import { parseDocument } from 'yaml';
import type { Ownership } from '../../delivery/pipeline/ownership.ts';
import { gitlabRoot, includedFile } from '../../delivery/pipeline/render/gitlab.ts';
import { policyPath, renderPolicy } from '../../delivery/pipeline/render/policy.ts';
import type { SigningIdentity } from '../../delivery/pipeline/signing-identity.ts';
import type { Forge } from '../../model/forge.ts';

/** `kept` is the user's, and as it must be; `incomplete` is the user's, and lacks something. */
export type FileStatus = Ownership | 'kept' | 'incomplete';

/** A file that belongs to the user once it is there. */
export interface KeptFile {
  readonly path: string;
  /** What it is made with. */
  readonly first: string;
  judge(text: string): { readonly status: FileStatus; readonly after?: string; readonly note?: string };
}

export const packagePath = '.cascadeguard/package.json';
export const lockPath = '.cascadeguard/package-lock.json';
const gitlabPath = '.gitlab-ci.yml';

export interface KeptWishes {
  readonly platforms: readonly Forge[];
  readonly version: string;
  readonly identity?: SigningIdentity;
}

export function keptFiles({ platforms, version, identity }: KeptWishes): readonly KeptFile[] {
  return [
    packageFile(version),
    { path: policyPath, first: renderPolicy(identity), judge: () => ({ status: 'kept' }) },
    ...(platforms.includes('gitlab') ? [gitlabFile] : []),
  ];
}

/** Only the version of cg in it is ours; the rest may grow. */
function packageFile(version: string): KeptFile {
  const write = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`;
  return {
    path: packagePath,
    first: write({ private: true, dependencies: { cascadeguard: version } }),
    judge(text) {
      const value = parseJson(text);
      const dependencies = value?.['dependencies'];
      if (value === undefined || !isMapping(dependencies) || typeof dependencies['cascadeguard'] !== 'string')
        return { status: 'unmanaged' };
      if (dependencies['cascadeguard'] === version) return { status: 'kept' };
      const after = write({ ...value, dependencies: { ...dependencies, cascadeguard: version } });
      return { status: 'stale', after };
    },
  };
}

const gitlabFile: KeptFile = {
  path: gitlabPath,
  first: gitlabRoot,
  judge(text) {
    if (includesOurs(text)) return { status: 'kept' };
    return {
      status: 'incomplete',
      note: `${gitlabPath} is yours and does not include the pipeline; add these lines to it:\n${gitlabRoot}`,
    };
  },
};

function includesOurs(text: string): boolean {
  const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' });
  const value: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 });
  const include = isMapping(value) ? value['include'] : undefined;
  return [include].flat().some(one => {
    const file = isMapping(one) ? one['local'] : one;
    return typeof file === 'string' && file.replace(/^\//, '') === includedFile;
  });
}

/** Whether the lock file beside the package names this version; undefined when there is none. */
export function lockedVersion(text: string | undefined): string | undefined {
  const packages = text === undefined ? undefined : parseJson(text)?.['packages'];
  const own = isMapping(packages) ? packages['node_modules/cascadeguard'] : undefined;
  const version = isMapping(own) ? own['version'] : undefined;
  return typeof version === 'string' ? version : undefined;
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isMapping(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
