import type { RenderedFile } from '../../delivery/pipeline/model.ts';
import { compareFile } from '../../delivery/pipeline/ownership.ts';
import { findPins, type Pins } from '../../delivery/pipeline/pins.ts';
import { Fault, FaultList } from '../../ground/fault/fault.ts';
import { defined } from '../../model/defined.ts';
import { type FileStatus, type KeptFile, packagePath } from './kept-files.ts';
import type { FileOnDisk } from './target-folder.ts';

export interface JudgedFile {
  readonly path: string;
  readonly status: FileStatus;
  readonly before?: string;
  /** What is to lie there; absent for what stays as it is. */
  readonly after?: string;
  readonly executable?: boolean;
}

export function judge(
  { path, text, executable }: RenderedFile,
  disk: FileOnDisk | undefined,
  pins: Pins,
): JudgedFile {
  const status = compareFile(disk?.text, text);
  const shared = { path, ...defined({ before: disk?.text, executable }) };
  if (status === 'current' && executable === true && disk?.isExecutable === false)
    return { ...shared, status: 'stale', after: text };
  // Only what bots did not agree on is written again: line ends are Git's business.
  const isAgreed = status === 'pins-differ' && hasPins(disk?.text ?? '', pins);
  return { ...shared, status, ...(status !== 'current' && !isAgreed && { after: text }) };
}

function hasPins(text: string, pins: Pins): boolean {
  return [...findPins(text)].every(([name, { at }]) => pins.get(name)?.at === at);
}

export function judgeKept({ path, first, judge }: KeptFile, disk: FileOnDisk | undefined): JudgedFile {
  if (disk === undefined) return { path, status: 'missing', after: first };
  const { status, after } = judge(disk.text);
  return { path, status, before: disk.text, ...defined({ after }) };
}

export function isFine(status: FileStatus): boolean {
  return status === 'current' || status === 'pins-differ' || status === 'kept';
}

/** What somebody else wrote, or changed, is theirs: all of it is said, and nothing is written. */
export function refuseForeign(files: readonly JudgedFile[]): void {
  const faults = files.flatMap(({ path, status }) => {
    if (status !== 'edited' && status !== 'unmanaged') return [];
    return [
      new Fault('FILE_NOT_OURS', {
        what:
          status === 'edited' ? `${path} was edited after it was generated` : `${path} was not made by cg`,
        where: path,
        next:
          status === 'edited'
            ? `git checkout -- ${path} brings back what was generated; change images.yaml or .cascadeguard.yaml instead`
            : path === packagePath
              ? `add "cascadeguard" to its dependencies, or move ${path} away, and run the command again`
              : `move ${path} away and run the command again`,
      }),
    ];
  });
  const [only] = faults;
  if (only === undefined) return;
  if (faults.length === 1) throw only;
  throw new FaultList(
    'FILE_NOT_OURS',
    { what: `${faults.length} files are not as cg wrote them; nothing was written` },
    faults,
  );
}
