import { resolve } from 'node:path';
import { escapeForTerminal } from '../../../ground/terminal/escape.ts';
import { showTrust } from '../../../workflow/show-trust.ts';
import { defineCommand } from '../../command.ts';
import { localFlags, localPlace } from '../../evidence/local-flags.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg trust show',
      does: 'the public root (shipped or refreshed), its age, and the local one if there is one',
    },
    { run: 'cg trust show --trusted-root trusted_root.json', does: 'what is in a root of your own' },
  ],
  flags: {
    trustedRoot: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'show this root in place of the public one',
      many: true,
      complete: 'files',
    },
    ...localFlags,
  },
  async run({ flags }, context) {
    return {
      result: await showTrust({
        trustedRoots: flags.trustedRoot.map(file => resolve(context.cwd, file)),
        local: localPlace(flags, context),
        env: context.env,
        clock: context.clock,
      }),
    };
  },
  text: ({ roots }, style) =>
    roots
      .map(root => {
        const mark =
          root.state === 'fresh'
            ? style.green('✓')
            : root.state === 'old'
              ? style.yellow('!')
              : style.red('✗');
        const dates = [
          ...(root.origin === undefined
            ? []
            : [root.origin === 'shipped' ? 'ships with cg' : 'from cg trust update']),
          ...(root.taken === undefined
            ? []
            : [`taken ${root.taken.slice(0, 10)}${root.days > 0 ? `, ${root.days} days ago` : ''}`]),
          ...(root.expires === undefined ? [] : [`expires ${root.expires.slice(0, 10)}`]),
        ];
        return [
          `${mark} ${style.bold(root.name)}  ${dates.join('; ')}`,
          ...root.authorities.map(subject => `  authority   ${subject}`),
          ...root.logs.map(url => `  log         ${url}`),
          ...root.timestampAuthorities.map(subject => `  timestamps  ${subject}`),
        ]
          .map(line => escapeForTerminal(line).trimEnd())
          .join('\n');
      })
      .join('\n'),
});
