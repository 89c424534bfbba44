import { escapeLine } from '../../../ground/terminal/escape.ts';
import { defined } from '../../../model/defined.ts';
import { forges } from '../../../model/forge.ts';
import { enrolImage } from '../../../workflow/enrol-image.ts';
import { defineCommand } from '../../command.ts';
import { fleetPlace, imagesFlags } from '../../images-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg images enrol --name shop --registry ghcr.io --repository acme/shop --dockerfile Dockerfile',
      does: 'enrol an image that is built here',
    },
    {
      run: 'cg images enrol --name nginx --registry docker.io --repository library/nginx',
      does: 'follow the releases of an image that others build',
    },
  ],
  about: 'Everything else of the file stays as it is, to the byte: comments, quotes, line ends.',
  flags: {
    name: { kind: 'text', placeholder: 'NAME', brief: 'the name of the image here', required: true },
    registry: { kind: 'text', placeholder: 'HOST', brief: 'its registry; defaults.registry without it' },
    repository: { kind: 'text', placeholder: 'PATH', brief: 'its repository there' },
    provider: {
      kind: 'text',
      placeholder: 'FORGE',
      brief: 'where its source lies',
      choices: forges,
    },
    repo: { kind: 'text', placeholder: 'ORG/REPO', brief: 'the repository of its source' },
    dockerfile: { kind: 'text', placeholder: 'PATH', brief: 'its Dockerfile', complete: 'files' },
    branch: { kind: 'text', placeholder: 'NAME', brief: 'the branch of its source' },
    rebuildDelay: { kind: 'text', placeholder: 'TIME', brief: 'least time between two rebuilds' },
    autoRebuild: {
      kind: 'toggle',
      optional: true,
      brief: 'rebuild when a base changes; --no-auto-rebuild only says so',
    },
    ...imagesFlags,
  },
  async run({ flags }, context) {
    const { name, registry, repository, provider, repo, dockerfile, branch, rebuildDelay } = flags;
    const result = await enrolImage({
      ...fleetPlace(flags, context),
      name,
      ...defined({ registry, repository, provider, repo, dockerfile, branch, rebuildDelay }),
      ...defined({ autoRebuild: flags.autoRebuild }),
    });
    if (result.note !== undefined)
      context.progress({ type: 'note', level: 'warning', text: escapeLine(result.note) });
    return { result };
  },
  text: ({ name, file }) => `enrolled ${name} in ${file}`,
});
