import { Fault } from '../../ground/fault/fault.ts';
import { redactUrl } from '../../ground/http/redact-url.ts';
import type { Finished } from '../../ground/process/run.ts';
import { quoteWord } from '../../ground/terminal/shell-word.ts';

/** What Git could not do, with its words and what to do about them. The remote is named where there is one. */
export function gitFault(args: readonly string[], { code, stderr }: Finished, remote?: string): Fault {
  const told = stderr.toString('utf8');
  const place = remote === undefined ? undefined : redactUrls(remote);
  const verb = args.find(word => /^[a-z][a-z-]+$/.test(word)) ?? '';
  return new Fault('GIT_FAILED', {
    what: `git ${verb} failed`,
    ...(place !== undefined && { where: place }),
    actual: `${code === undefined ? 'it was ended' : `exit code ${code}`}: ${wordsOf(told)}`,
    next: nextOf(told, place),
  });
}

/** On one line, without the advice that is for people who work in the repository. */
export function wordsOf(told: string): string {
  const lines = told
    .split('\n')
    .map(line => line.replace(/^remote:\s*/, '').trim())
    .filter(line => line !== '' && !/^(?:hint:|To \S)/.test(line));
  return redactUrls(lines.slice(-5).join('; ')).slice(0, 2000);
}

function nextOf(told: string, place: string | undefined): string {
  const check = place === undefined ? 'read what Git said' : `git ls-remote ${quoteWord(place)}`;
  if (/no space left|disk quota exceeded/i.test(told))
    return /^remote:|unpack(?:er)? (?:error|failed)/im.test(told)
      ? 'make room where the remote keeps the repository, then run the same command again'
      : 'make room in the folder for temporary files (TMPDIR), then run the same command again';
  if (/hook declined|pre-receive|protected branch|GH006|GH013/i.test(told))
    return 'the remote refuses this push: do what its words ask for, or let whoever rules the branch admit this writer';
  if (
    /authentication failed|could not read (?:username|password)|permission denied|error: 40[13]|invalid credentials/i.test(
      told,
    )
  )
    return `see that these credentials may read and push (CG_GITOPS_TOKEN, or those of Git): ${check}`;
  if (/not found|does not appear to be a git repository|does not exist|error: 404/i.test(told))
    return `correct the address, --repository URL or gitops.repository; this one says: ${check}`;
  if (
    /could not resolve host|failed to connect|connection (?:refused|timed out|reset)|error: 5\d\d/i.test(told)
  )
    return `the remote does not answer: try ${check}, then run the same command again`;
  return check;
}

export function redactUrls(text: string): string {
  return text.replace(/\b(?:https?|ssh):\/\/[^\s'"]+/g, url => redactUrl(url));
}
