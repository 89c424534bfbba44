import { Fault } from '../../../ground/fault/fault.ts';
import { escapeForTerminal } from '../../../ground/terminal/escape.ts';
import { updateTrust } from '../../../workflow/update-trust.ts';
import { defineCommand } from '../../command.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg trust update', does: 'fetch the root of the public Sigstore, and check every signature' },
    { run: 'cg trust update --mirror https://mirror.example/tuf', does: 'from a copy inside your network' },
  ],
  about:
    'Follows the signed repository (TUF) from the root that is built into cg. A mirror cannot make anything up, go back or stand still: what it sends is refused then, and the root that you had holds.',
  flags: {
    mirror: {
      kind: 'text',
      placeholder: 'URL',
      brief: 'a copy of the repository; the built-in root still decides',
    },
  },
  async run({ flags }, { env, clock, offline, signal }) {
    const mirror = flags.mirror === undefined ? {} : { mirror: parseMirror(flags.mirror) };
    return { result: await updateTrust({ env, clock, offline, signal, ...mirror }) };
  },
  text: ({ name, rootVersion, taken, expires, changed, source }, style) =>
    escapeForTerminal(
      `${style.green('✓')} ${style.bold(name)}  ${changed ? 'updated' : 'unchanged'}; root ${rootVersion}; taken ${taken.slice(0, 10)}; expires ${expires.slice(0, 10)}; from ${source}`,
    ),
});

function parseMirror(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (url !== undefined && isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  throw new Fault('USAGE', {
    what: 'The mirror is not an address of a folder on the web.',
    expected: 'https://HOST/PATH, without a password, query or fragment',
    next: 'cg trust update --mirror https://mirror.example/tuf',
  });
}
