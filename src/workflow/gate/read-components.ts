import { ComponentsFile, pathInComponentsFile } from '../../config/components-file.ts';
import { parseConfig } from '../../config/read-config.ts';
import type { GitSource } from '../../model/verdict.ts';
import { readFileOrInline } from './read-text.ts';

/** An image to judge, as it was named. */
export interface GateTarget {
  readonly name: string;
  readonly image: string;
  readonly source?: GitSource;
  /** Its place in the components file. */
  readonly position?: number;
}

const unnamed = 'Unnamed';

/** Components files and single images together; one image named twice is judged once. */
export async function readTargets(o: {
  readonly images?: readonly string[];
  readonly components?: readonly string[];
}): Promise<GateTarget[]> {
  const targets: GateTarget[] = [];
  for (const given of o.components ?? []) {
    const { name, text } = await readFileOrInline(given, '--images');
    targets.push(
      ...parseConfig(name, text, ComponentsFile, { toWritten: pathInComponentsFile }).value.components.map(
        toTarget,
      ),
    );
  }
  targets.push(...(o.images ?? []).map(image => ({ name: unnamed, image })));
  const merged = new Map<string, GateTarget>();
  for (const target of targets) {
    const before = merged.get(target.image);
    if (before === undefined) merged.set(target.image, target);
    else if (before.name === unnamed) merged.set(target.image, { ...before, name: target.name });
  }
  return [...merged.values()];
}

function toTarget(
  { name, containerImage, source }: ComponentsFile['components'][number],
  position: number,
): GateTarget {
  const { url, revision } = source?.git ?? {};
  const isWhole = url !== undefined && revision !== undefined;
  return {
    name: name ?? unnamed,
    image: containerImage,
    position,
    ...(isWhole && { source: { url, revision } }),
  };
}
