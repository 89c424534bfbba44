import { Fault } from '../../ground/fault/fault.ts';
import { logIn } from '../../workflow/log-in.ts';
import { defineCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { completeLoginHost, reachOptions, readPassword, registryFlags } from '../registry-flags.ts';

const { username, passwordStdin, ...reachFlags } = registryFlags;

export const command = defineCommand({
  examples: [
    { run: 'cg login ghcr.io --username you', does: 'ask for the password and keep it' },
    {
      run: 'printf %s "$TOKEN" | cg login registry.example.com --username ci --password-stdin',
      does: 'in a script',
    },
  ],
  about:
    'The registry is asked first; only what it accepts is kept, in the docker configuration (or the credential helper that\n' +
    'it names), where docker, podman, cosign and others find it. There is no flag for the password: it would show in the\n' +
    'list of processes. Where nothing may be kept, CG_REGISTRY_<HOST>_USER and CG_REGISTRY_<HOST>_PASSWORD log in instead:\n' +
    'GHCR_IO for ghcr.io. A host with a dash or a port shares that spelling with others, so it also needs\n' +
    'CG_REGISTRY_<HOST>_HOST=host.',
  args: [
    {
      name: 'REGISTRY',
      brief: 'host[:port]; without it Docker Hub',
      required: false,
      complete: completeLoginHost,
    },
  ],
  flags: {
    username: { ...username, brief: 'who you are there', short: 'u', group: 'Login' },
    passwordStdin: { ...passwordStdin, group: 'Login' },
    ...reachFlags,
  },
  async run({ flags, args: [registry = 'docker.io'] }, context) {
    const user = flags.username ?? (await ask(context, `user name for ${registry}: `, false));
    const password = flags.passwordStdin
      ? await readPassword(context)
      : await ask(context, `password for ${user} at ${registry}: `, true);
    const reach = await reachOptions({ ...flags, username: undefined, passwordStdin: false }, context);
    const result = await logIn({ ...reach, registry, username: user, password });
    if (result.warning !== undefined)
      context.progress({ type: 'note', level: 'warning', text: result.warning });
    return { result };
  },
  text: ({ registry, username, kept, place }) =>
    kept
      ? `logged in to ${registry} as ${username}; kept in ${place}`
      : `${registry} asks for no login; nothing was kept`,
});

async function ask(context: Context, question: string, hidden: boolean): Promise<string> {
  const answer = context.interactive ? await context.ask?.(question, { hidden }) : undefined;
  if (answer !== undefined && answer !== '') return answer;
  throw new Fault('USAGE', {
    what: hidden ? 'a login needs a password' : 'a login needs a user name',
    expected: hidden ? '--password-stdin with the password on standard input' : '--username NAME',
    next: 'printf %s "$PASSWORD" | cg login REGISTRY --username NAME --password-stdin',
  });
}
