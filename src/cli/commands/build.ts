import { Fault } from '../../ground/fault/fault.ts';
import { stage } from '../../ground/progress/progress.ts';
import { formatCount } from '../../ground/terminal/amounts.ts';
import { escapeLine } from '../../ground/terminal/escape.ts';
import { defined } from '../../model/defined.ts';
import { findNamedBuild } from '../../workflow/build/named-build.ts';
import { buildImage } from '../../workflow/build-image.ts';
import { defineCommand } from '../command.ts';
import { platforms, reachOptions, registryFlags } from '../registry-flags.ts';
import { version } from '../version.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg build . --to 127.0.0.1:5000/shop/web',
      does: 'build the Dockerfile of this folder; the digest is printed',
    },
    {
      run: 'cg build . --to ghcr.io/shop/web --platform linux/amd64 --platform linux/arm64',
      does: 'an index of two platforms',
    },
    {
      run: 'cg build services/api --to oci:./api --record build.json',
      does: 'into a folder, with the record that cg provenance reads',
    },
    { run: 'cg build web', does: 'as images.yaml says' },
    {
      run: 'cg build . --to ghcr.io/shop/web --builder buildah',
      does: 'with buildah, whatever the Dockerfile holds',
    },
  ],
  about:
    'Base images are resolved once and pinned by digest. The image is stored under its digest and gets no tag. Without\n' +
    'RUN the embedded builder does it, and the same files give the same digest everywhere; RUN needs buildx or buildah.\n' +
    'The time of everything in the image is SOURCE_DATE_EPOCH, else that of the commit, else 1970.',
  args: [
    {
      name: 'CONTEXT',
      brief: 'the folder that COPY reads from, or a name in images.yaml',
      required: true,
      complete: 'files',
    },
  ],
  flags: {
    to: {
      kind: 'text',
      placeholder: 'REGISTRY/REPOSITORY',
      brief: 'where the image goes; also oci:FOLDER; that of images.yaml for a NAME',
    },
    file: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'the Dockerfile; that of the context without it',
      short: 'f',
      complete: 'files',
    },
    platform: {
      kind: 'text',
      placeholder: 'OS/ARCH',
      brief: 'build for it',
      many: true,
      complete: () => platforms,
    },
    target: { kind: 'text', placeholder: 'STAGE', brief: 'the stage to build; the last one without it' },
    buildArg: {
      kind: 'text',
      placeholder: 'NAME=VALUE',
      brief: 'value of an ARG; NAME alone takes it from the environment and keeps it out of the record',
      many: true,
    },
    label: { kind: 'text', placeholder: 'NAME=VALUE', brief: 'a label of the image', many: true },
    annotation: {
      kind: 'text',
      placeholder: 'NAME=VALUE',
      brief: 'an annotation of the manifest',
      many: true,
    },
    builder: {
      kind: 'text',
      placeholder: 'NAME',
      brief: 'who builds',
      choices: ['auto', 'embedded', 'buildx', 'buildah'],
      fallback: 'auto',
    },
    sourceDateEpoch: {
      kind: 'count',
      placeholder: 'SECONDS',
      brief: 'the time of everything in the image, since 1970',
    },
    record: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'write what went in, for cg provenance',
      complete: 'files',
    },
    ...registryFlags,
  },
  async run({ flags, args: [folder = '.'] }, context) {
    const reach = await reachOptions(flags, context);
    const given = readBuildArgs(flags.buildArg, context.env);
    const { cwd, env, signal } = context;
    const named = await findNamedBuild(folder, { cwd, env, signal, isPlaced: flags.to !== undefined });
    const destination = flags.to ?? named?.destination;
    if (destination === undefined)
      throw new Fault('USAGE', {
        what: 'nothing says where the image goes',
        expected: '--to REGISTRY/REPOSITORY, or the name of an image in images.yaml',
        next: `cg build ${folder} --to REGISTRY/REPOSITORY`,
      });
    const result = await stage(context.progress, `build ${folder}`, () =>
      buildImage({
        ...reach,
        ...named,
        cwd,
        context: named?.context ?? folder,
        destination,
        platforms: flags.platform.length > 0 ? flags.platform : (named?.platforms ?? []),
        buildArgs: { ...named?.buildArgs, ...given.values },
        secretArgs: given.secret,
        labels: readPairs(flags.label, '--label'),
        annotations: readPairs(flags.annotation, '--annotation'),
        builder: flags.builder,
        version,
        clock: context.clock,
        onStep: ({ platform, text }) =>
          context.progress({ type: 'detail', text: `${platform} ${escapeLine(text)}` }),
        onChoice: text => context.say(`builder ${text}`),
        onWarning: text => context.progress({ type: 'note', level: 'warning', text }),
        ...defined({
          dockerfile: flags.file,
          target: flags.target,
          epoch: flags.sourceDateEpoch,
          record: flags.record,
        }),
      }),
    );
    context.say(
      `${formatCount(result.platforms.length, 'platform')}, ${formatCount(result.bases.length, 'base image')} pinned; no tag was set`,
    );
    return { result };
  },
  text: ({ image }) => image,
});

function readPairs(texts: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    texts.map(text => {
      const at = text.indexOf('=');
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new Fault('USAGE', {
        what: `${flag} wants NAME=VALUE`,
        actual: text.slice(0, 200),
        next: `${flag} ${text.slice(0, 100) || 'NAME'}=VALUE`,
      });
    }),
  );
}

function readBuildArgs(
  texts: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly values: Record<string, string>; readonly secret: readonly string[] } {
  const secret = texts.filter(text => !text.includes('='));
  const filled = texts.map(text => {
    if (text.includes('=')) return text;
    const value = env[text];
    if (value !== undefined) return `${text}=${value}`;
    throw new Fault('USAGE', {
      what: `--build-arg ${text.slice(0, 100)} has no value, and the environment has no such variable`,
      next: `--build-arg ${text.slice(0, 100)}=VALUE`,
    });
  });
  return { values: readPairs(filled, '--build-arg'), secret };
}
