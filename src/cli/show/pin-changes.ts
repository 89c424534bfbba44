import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import type { PinnedImages } from '../../workflow/bump-images.ts';

/** `web  sha256:aa… → sha256:bb…   overlays/dev/kustomization.yaml:12` */
export function renderPinChanges({ changes, commit, pushed }: PinnedImages, style: Style): string {
  const lines = changes.map(({ name, from, to, file, line }) => {
    const old = from === undefined ? 'new' : short(from);
    return `${escapeLine(name)}  ${old} → ${style.bold(short(to))}  ${style.dim(line > 0 ? `${escapeLine(file)}:${line}` : escapeLine(file))}`;
  });
  if (changes.length === 0) lines.push('already there: nothing to change');
  if (pushed && commit !== undefined) lines.push(`commit ${commit}`);
  return lines.join('\n');
}

export function sayRendering({ rendered, changes }: PinnedImages): string | undefined {
  if (changes.length === 0) return undefined;
  return rendered
    ? 'kustomize built it before and after: only these images change'
    : 'not built: there is no kustomize on the PATH to check the result with';
}

export function short(text: string): string {
  return escapeLine(text.startsWith('sha256:') ? text.slice(0, 19) : text);
}
