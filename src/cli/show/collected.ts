import { formatBytes, formatCount } from '../../ground/terminal/amounts.ts';

/** What a garbage collection removed, in one line. */
export function describeCollected(collected: {
  readonly manifests: number;
  readonly contents: number;
  readonly bytes: number;
  readonly uploads: number;
}): string {
  return [
    `removed ${formatCount(collected.manifests, 'manifest')}`,
    `${formatCount(collected.contents, 'blob file')} (${formatBytes(collected.bytes)})`,
    formatCount(collected.uploads, 'abandoned upload'),
  ].join(', ');
}
