import { dirname, resolve } from 'node:path';
import { type ImageEntry, ImagesFile, pathInImagesFile } from '../../config/images-file.ts';
import { ProjectFile } from '../../config/project-file.ts';
import { type ReadConfig, readConfig } from '../../config/read-config.ts';
import { projectFileName, readSettings } from '../../config/settings.ts';
import type { EnrolledImage } from '../../fleet/enrolment.ts';
import { Fault } from '../../ground/fault/fault.ts';
import { nearest } from '../../model/nearest.ts';
import type { FleetPlace } from './fleet-place.ts';
import { type FleetDefaults, toEnrolledImage } from './to-enrolled-image.ts';

export interface Fleet {
  /** Folder of `images.yaml`; Dockerfiles and state are relative to it. */
  readonly root: string;
  /** As people near it would name it. */
  readonly file: string;
  readonly images: readonly EnrolledImage[];
  readonly config: ReadConfig<ImagesFile>;
  readonly project: ProjectFile;
  readonly settings: ReadonlyMap<string, unknown>;
}

/** Reads `images.yaml` and `.cascadeguard.yaml`; every value of an image is final afterwards. */
export async function readFleet(o: FleetPlace): Promise<Fleet> {
  const path = resolve(o.cwd, imagesFileName(o));
  const root = dirname(path);
  const projectFile = resolve(root, projectFileName);
  const [config, project, settings] = await Promise.all([
    readConfig(path, ImagesFile, { toWritten: pathInImagesFile, unknownKeys: 'report' }),
    readConfig(projectFile, ProjectFile),
    readSettings({ cwd: root, env: o.env }),
  ]);
  if (config === undefined) throw missingFile(path);
  const values = new Map(settings.map(({ key, value }) => [key, value]));
  const defaults: FleetDefaults = { project: project?.value ?? {}, settings: values, env: o.env };
  return {
    root,
    file: imagesFileName(o),
    images: config.value.images.map((entry: ImageEntry) => toEnrolledImage(entry, defaults)),
    config,
    project: project?.value ?? {},
    settings: values,
  };
}

export function imagesFileName({ imagesYaml, env }: FleetPlace): string {
  return imagesYaml ?? (env['IMAGES_YAML'] || 'images.yaml');
}

/** The images that are named, or all; every name must be one of the file. */
export function selectImages(fleet: Fleet, names: readonly string[]): readonly EnrolledImage[] {
  const wanted = names
    .flatMap(name => name.split(','))
    .map(name => name.trim())
    .filter(Boolean);
  if (wanted.length === 0) return fleet.images;
  const known = new Map(fleet.images.map(image => [image.name, image]));
  return [...new Set(wanted)].map(name => {
    const image = known.get(name);
    if (image !== undefined) return image;
    const meant = nearest(name, known.keys());
    throw new Fault('USAGE', {
      what: `no image is named "${name.slice(0, 100)}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
      where: fleet.file,
      next: 'cg images status lists them',
    });
  });
}

function missingFile(path: string): Fault {
  return new Fault('FILE_MISSING', {
    what: `there is no ${path}`,
    where: path,
    next: 'enrol the first image: cg images enrol --name NAME --registry REGISTRY --repository PATH --dockerfile Dockerfile',
  });
}
