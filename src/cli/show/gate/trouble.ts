import { escapeLine } from '../../../ground/terminal/escape.ts';
import type { ComponentVerdict } from '../../../workflow/gate-image.ts';

/** Why there is no verdict on an image, and what to do about it. */
export function describeTrouble({
  containerImage,
  trouble,
}: Pick<ComponentVerdict, 'containerImage' | 'trouble'>): readonly string[] {
  if (trouble === undefined) return [];
  const [, code] = /^([A-Z][A-Z_]+): /.exec(trouble.message) ?? [];
  return [
    `No verdict on ${escapeLine(containerImage)}: ${escapeLine(trouble.message)}`,
    `  next  ${escapeLine(nextAfter(code, trouble.exit, hostOf(containerImage)))}`,
    ...(code === undefined ? [] : [`  more  cg help ${code}`]),
  ];
}

function nextAfter(code: string | undefined, exit: 3 | 4, host: string): string {
  if (code === 'UNAUTHORIZED' || code === 'DENIED')
    return `cg login ${host}, with an account that may read the image`;
  if (exit === 4)
    return 'what was sent is not what was asked for: find out who changes it before anything else';
  return `the same command again when ${host} answers; cg doctor looks at the connection`;
}

function hostOf(image: string): string {
  const [host = ''] = image.split('/');
  return /[.:]|^localhost$/.test(host) ? host : 'docker.io';
}
