import { formatBytes } from '../../ground/terminal/amounts.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import type { Style } from '../../ground/terminal/style.ts';
import type { ImageSummary, InspectedContent, InspectedImage } from '../../workflow/inspect-image.ts';

interface Branch {
  readonly line: string;
  readonly below?: readonly Branch[];
}

/** An image as a tree: platforms, configuration, layers, and what refers to any of it. */
export function renderImageTree(image: InspectedImage, style: Style): string {
  return [style.bold(clean(image.reference)), ...renderBranches([contentBranch(image, 'image', style)])].join(
    '\n',
  );
}

function contentBranch(content: InspectedContent, role: string, style: Style): Branch {
  const kind =
    content.image === undefined ? (content.artifactType ?? kindOf(content.mediaType)) : 'image manifest';
  const name = [clean(content.platform ?? role), style.cyan(content.digest), style.dim(clean(kind))].join(
    '  ',
  );
  return {
    line: name,
    below: [
      ...(content.children ?? []).map(child => contentBranch(child, 'entry', style)),
      ...(content.image === undefined ? [] : configBranches(content.image, style)),
      ...layerBranches(content, style),
      ...annotationBranches(content.annotations, style),
      ...(content.referrers ?? []).map(referrer => contentBranch(referrer, 'referrer', style)),
    ],
  };
}

function configBranches(image: ImageSummary, style: Style): Branch[] {
  const facts: (readonly [string, string | undefined])[] = [
    ['created', image.created],
    ['user', image.user],
    ['workdir', image.workingDirectory],
    ['entrypoint', image.entrypoint && JSON.stringify(image.entrypoint)],
    ['command', image.command && JSON.stringify(image.command)],
    ['ports', image.exposedPorts?.join(', ')],
    ['variables', image.environment?.join(', ')],
  ];
  const shown = facts.filter((fact): fact is readonly [string, string] => Boolean(fact[1]));
  const labels = Object.entries(image.labels ?? {}).map(([key, value]) => ({
    line: `label ${clean(key)}=${clean(value)}`,
  }));
  return [...shown.map(([name, value]) => ({ line: `${style.dim(name)} ${clean(value)}` })), ...labels];
}

function layerBranches({ layers, compressedSize }: InspectedContent, style: Style): Branch[] {
  if (layers === undefined || layers.length === 0) return [];
  const total = compressedSize === undefined ? '' : `, ${formatBytes(compressedSize)} with the configuration`;
  return [
    {
      line: `${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}${total}`,
      below: layers.map(layer => ({
        line: `${style.cyan(layer.digest)}  ${formatBytes(layer.size)}  ${style.dim(clean(layerKind(layer.mediaType)))}`,
      })),
    },
  ];
}

function annotationBranches(annotations: InspectedContent['annotations'], style: Style): Branch[] {
  return Object.entries(annotations ?? {}).map(([key, value]) => ({
    line: style.dim(`${clean(key)}: ${clean(value)}`),
  }));
}

function kindOf(mediaType: string): string {
  if (/index|manifest\.list/.test(mediaType)) return 'index';
  return /manifest/.test(mediaType) ? 'manifest' : mediaType;
}

function renderBranches(branches: readonly Branch[], indent = ''): string[] {
  return branches.flatMap((branch, index) => {
    const isLast = index === branches.length - 1;
    return [
      `${indent}${isLast ? '└─' : '├─'} ${branch.line}`,
      ...renderBranches(branch.below ?? [], `${indent}${isLast ? '   ' : '│  '}`),
    ];
  });
}

/** `tar+gzip` for a layer; other types as they are. */
function layerKind(mediaType: string): string {
  return (
    mediaType.replace(/^application\/vnd\.(?:oci\.image|docker\.image\.rootfs)\.(?:layer\.v1|diff)\.?/, '') ||
    'layer'
  );
}

/** One line, however hostile and however long. */
function clean(text: string): string {
  const line = escapeLine(text);
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
