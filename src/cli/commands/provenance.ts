import { resolve } from 'node:path';
import { defined } from '../../model/defined.ts';
import { makeProvenance } from '../../workflow/make-provenance.ts';
import { defineCommand } from '../command.ts';
import { version } from '../version.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg provenance --record build.json --output-file provenance.json',
      does: 'in CI: from its variables and its identity token',
    },
    { run: 'cg provenance --ci local --record build.json', does: 'of a build on this machine, from Git' },
  ],
  about:
    'Prints the predicate of SLSA provenance 1: where the source came from, by commit; every base image, by digest; who\n' +
    'built it, when and with what. What is not known is an error, never a guess. docs/provenance.md describes each field;\n' +
    'schema/build-record.schema.json the record.',
  flags: {
    record: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'what cg build --record wrote down',
      required: true,
      complete: 'files',
    },
    ci: {
      kind: 'text',
      placeholder: 'SYSTEM',
      brief: 'github, gitlab or local; without it what the environment says',
      choices: ['github', 'gitlab', 'local'],
    },
    identityToken: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'file with the identity token; in CI it is found without',
      complete: 'files',
    },
    builderId: { kind: 'text', placeholder: 'URI', brief: 'the builder, when no token can name it' },
  },
  async run({ flags }, context) {
    const { cwd, env, signal, clock, offline } = context;
    const result = await makeProvenance({
      record: resolve(cwd, flags.record),
      cwd,
      env,
      version,
      clock,
      offline,
      signal,
      ...defined({
        ci: flags.ci,
        builderId: flags.builderId,
        identityToken: flags.identityToken === undefined ? undefined : resolve(cwd, flags.identityToken),
      }),
    });
    return { result };
  },
  text: predicate => JSON.stringify(predicate, null, 2),
});
