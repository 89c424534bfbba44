import { Fault } from '../../ground/fault/fault.ts';
import type { Environment } from '../../ground/http/proxy.ts';

/** With any of these a job can sign, or get the token with which it can. */
const signing =
  /^(?:ACTIONS_ID_TOKEN_REQUEST_(?:URL|TOKEN)|SIGSTORE_ID_TOKEN|COSIGN_(?:PASSWORD|PRIVATE_KEY|KEY|PIV_PIN|PKCS11_PIN))$/;

/** `cg sign --key env://NAME` takes it from a variable of any name. */
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** What runs foreign code must not be able to sign: a job that could is refused before anything runs. */
export function refuseSigningCredentials(stage: string, env: Environment): void {
  const found = Object.entries(env)
    .filter(([name, value = '']) => value !== '' && (signing.test(name) || privateKey.test(value)))
    .map(([name]) => name);
  if (found.length === 0) return;
  throw new Fault('USAGE', {
    what: `cg ci ${stage} runs code of others, and this job could sign`,
    expected: 'a job without an identity token and without a key',
    actual: found.join(', '),
    next: 'take id-token: write (GitLab: id_tokens) and the keys from this job; only the one that signs has them',
  });
}

/** What a name says of its value: everything that lets a job write to a forge, a registry, a cache or a cloud. */
const credential =
  /TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|JWT|API_?KEY|AUTH(?!ORS?(?:_|$))|_(?:KEY|PAT|PIN)(?:_|$)|^(?:CG_REGISTRY|CG_GITOPS|ACTIONS)_|^SSH_AUTH_SOCK$/i;

/** Files through which a step reaches the steps after it. */
const laterSteps = /^GITHUB_(?:ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)$/;

/** As in the variable CI_REPOSITORY_URL, which holds the token of its job. A proxy stays: without it there is no network. */
const urlWithPassword = /:\/\/[^/\s@]*:[^/\s@]+@/;

/** The environment without what is none of the business of a program of others, but with what the project gives it. */
export function withoutCredentials(env: Environment, given: readonly string[] = []): Environment {
  const isWithheld = (name: string, value: string) =>
    laterSteps.test(name) || credential.test(name) || (urlWithPassword.test(value) && !/_proxy$/i.test(name));
  return Object.fromEntries(
    Object.entries(env).filter(([name, value = '']) => given.includes(name) || !isWithheld(name, value)),
  );
}
