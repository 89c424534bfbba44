import { access, constants } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { asFault, renderFault } from '../../ground/fault/render.ts';
import { dataFolder } from '../../ground/store/user-folders.ts';
import { defined } from '../../model/defined.ts';
import { up } from '../../workflow/up/up.ts';
import { defineCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { renderStoryEvent } from '../show/story.ts';
import { renderTour } from '../show/tour.ts';
import { version } from '../version.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg up',
      does: 'everything at once: a change goes from a commit to production, with proof; then a tour',
    },
    { run: 'cg up --ci', does: 'only the story, for a pipeline: exit code 0 when every promise held' },
    {
      run: 'cg up --addr 127.0.0.1:0 --data ./demo --ready-file ready.json',
      does: 'on any free port, for a script',
    },
  ],
  about:
    'Nothing but Node and Git is needed, and nothing leaves this machine. A registry, a local Sigstore and Git repositories\n' +
    'run until Ctrl-C. The story of the bookstore is told anew each time; images that you pushed are still there.',
  flags: {
    data: {
      kind: 'text',
      placeholder: 'DIR',
      brief: 'where everything is kept (default ~/.local/share/cascadeguard/up)',
      env: 'CG_UP_DATA',
      complete: 'files',
    },
    addr: {
      kind: 'text',
      placeholder: 'HOST:PORT',
      brief: 'where the registry listens; a taken port becomes a free one',
      fallback: '127.0.0.1:5000',
    },
    story: { kind: 'toggle', brief: 'tell no story, only run the servers', fallback: true },
    ci: { kind: 'toggle', brief: 'end when the story is told; exit code 1 when a promise did not hold' },
    readyFile: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'write URL and process id there once everything runs',
      complete: 'files',
    },
  },
  async run({ flags }, context) {
    const { cwd, env, signal, clock } = context;
    const share = dataFolder(env);
    const data = flags.data === undefined ? join(share, 'up') : resolve(cwd, flags.data);
    // Without a folder of its own it is the local Sigstore that cg sign --local takes anyway.
    const usual = join(flags.data === undefined ? share : data, 'sigstore/local');
    const sigstoreData = env.CG_SIGSTORE_DATA ? resolve(cwd, env.CG_SIGSTORE_DATA) : usual;
    const isUsual = flags.data === undefined || Boolean(env.CG_SIGSTORE_DATA);
    await up({
      data,
      sigstoreData,
      addr: flags.addr,
      clock,
      version,
      signal,
      ...defined({ readyFile: flags.readyFile === undefined ? undefined : resolve(cwd, flags.readyFile) }),
      ...((flags.story || flags.ci) && {
        story: {
          env,
          only: flags.ci,
          onEvent: event => context.write(renderStoryEvent(event, context.errStyle)),
          ...defined({
            example: env.CG_UP_EXAMPLE === undefined ? undefined : resolve(cwd, env.CG_UP_EXAMPLE),
          }),
        },
      }),
      onProblem: error => context.say(renderFault(asFault(error), context.errStyle)),
      onReady: async ready => {
        if (flags.ci) {
          context.write(`\n${ready.story?.claims ?? 0} promises, all of them held.\n`);
          return;
        }
        const hints = { alias: await aliasFor(env), exportFolder: isUsual ? undefined : sigstoreData };
        context.write(`${renderTour(ready, hints, context.errStyle)}\n`);
      },
    });
    return { result: undefined };
  },
  text: () => '',
});

/** Where cg is not on the PATH, as in a fresh clone, the tour begins with a name for it. */
async function aliasFor(env: Context['env']): Promise<string | undefined> {
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean);
  const found = await Promise.all(
    folders.map(folder =>
      access(join(folder, 'cg'), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  const program = process.argv[1];
  return found.includes(true) || program === undefined ? undefined : `alias cg="node '${program}'"`;
}
