import type { Progress } from '../../ground/progress/progress.ts';
import type { CopyEvent } from '../../workflow/copy-image.ts';

/** Shows a copy as bytes of a total; with --verbose also what became of each blob. */
export function trackCopy(progress: Progress, id: string): (event: CopyEvent) => void {
  let total = 0;
  let done = 0;
  return event => {
    switch (event.kind) {
      case 'planned':
        total = event.bytes;
        progress({
          type: 'detail',
          text: `${event.manifests} manifests and ${event.blobs} blobs, ${event.bytes} bytes at most`,
        });
        break;
      case 'transferred':
        done += event.bytes;
        progress({ type: 'amount', id, done, total, unit: 'bytes' });
        break;
      case 'blob':
      case 'manifest':
        if (event.outcome !== 'uploaded' && event.kind === 'blob')
          total = Math.max(done, total - event.descriptor.size);
        progress({ type: 'detail', text: `${event.kind} ${event.descriptor.digest} ${event.outcome}` });
        break;
      case 'tagged':
        progress({ type: 'detail', text: `tag ${event.tag} is ${event.digest}` });
        break;
    }
  };
}
