import type { Environment } from './git.ts';

/** The secret of a pipeline's environment: it may push to the repository that describes where images run. */
const tokenVariable = 'CG_GITOPS_TOKEN';

/**
 * Hands the token of a pipeline to Git, for this remote alone and never on a command line. Without a token, or for a
 * remote that would carry it in the clear, everything stays as it is.
 */
export function withToken(
  remote: string,
  env: Environment,
): { readonly remote: string; readonly env: Environment } {
  const token = env[tokenVariable];
  if (!token || !URL.canParse(remote)) return { remote, env };
  const url = new URL(remote);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    return { remote, env };
  // What a checkout left in the address of its remote is for another repository.
  url.username = '';
  url.password = '';
  const count = Number(env['GIT_CONFIG_COUNT'] ?? 0) || 0;
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  return {
    remote: url.href,
    env: {
      ...env,
      GIT_CONFIG_COUNT: String(count + 1),
      [`GIT_CONFIG_KEY_${count}`]: `http.${url.origin}/.extraHeader`,
      [`GIT_CONFIG_VALUE_${count}`]: `Authorization: Basic ${basic}`,
    },
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
