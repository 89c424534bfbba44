import { logOut } from '../../workflow/log-out.ts';
import { defineCommand } from '../command.ts';
import { completeLoginHost } from '../registry-flags.ts';

export const command = defineCommand({
  examples: [{ run: 'cg logout ghcr.io', does: 'forget the login' }],
  args: [
    {
      name: 'REGISTRY',
      brief: 'host[:port]; without it Docker Hub',
      required: false,
      complete: completeLoginHost,
    },
  ],
  flags: {},
  async run({ args: [registry = 'docker.io'] }, { env, signal }) {
    return { result: await logOut({ registry, env, signal }) };
  },
  text: result =>
    result.wasLoggedIn ? `logged out of ${result.registry}` : `you were not logged in to ${result.registry}`,
});
