import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { Fault } from '../../../ground/fault/fault.ts';
import { asFault, renderFault } from '../../../ground/fault/render.ts';
import { defined } from '../../../model/defined.ts';
import { serveRegistry } from '../../../workflow/serve-registry.ts';
import { defineCommand } from '../../command.ts';
import type { Context } from '../../context.ts';
import { describeCollected } from '../../show/collected.ts';
import { version } from '../../version.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg registry serve', does: 'a registry on 127.0.0.1:5000 that keeps its images' },
    {
      run: 'cg registry serve --addr 127.0.0.1:0 --data ./images --ready-file ready.json',
      does: 'on any free port, for a script',
    },
    {
      run: 'cg registry serve --addr 0.0.0.0:5000 --htpasswd users --tls-cert cert.pem --tls-key key.pem',
      does: 'for other machines: with passwords and TLS',
    },
  ],
  about:
    'Every OCI client works with it: the whole distribution specification 1.1. One process owns a data folder;\n' +
    'SIGUSR2 collects garbage now. Every user in the password file may read and write every repository.\n' +
    'It reads passwords and certificates again when their files change. It runs until Ctrl-C or SIGTERM and finishes running requests first.',
  flags: {
    data: {
      kind: 'text',
      placeholder: 'DIR',
      brief: 'where images are kept (default ~/.local/share/cascadeguard/registry)',
      env: 'CG_REGISTRY_DATA',
      complete: 'files',
    },
    addr: {
      kind: 'text',
      placeholder: 'HOST:PORT',
      brief: 'where to listen; port 0 takes a free one',
      fallback: '127.0.0.1:5000',
    },
    readOnly: { kind: 'toggle', brief: 'refuse every write' },
    readyFile: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'write URL and process id there once it serves',
      complete: 'files',
    },
    htpasswd: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'user names and passwords, made with htpasswd -B',
      group: 'Access',
      complete: 'files',
    },
    tlsCert: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'certificate chain, PEM',
      group: 'Access',
      complete: 'files',
    },
    tlsKey: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'its private key, PEM',
      group: 'Access',
      complete: 'files',
    },
    allowHost: {
      kind: 'text',
      many: true,
      placeholder: 'NAME',
      brief: 'a name of a proxy by which clients reach a registry on loopback',
      group: 'Access',
    },
    allowAnonymousNetwork: {
      kind: 'toggle',
      brief: 'serve other machines without passwords',
      group: 'Access',
    },
    accessLog: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'one JSON line per request; - for stderr',
      group: 'Operation',
      complete: 'files',
    },
    maxBlob: { kind: 'bytes', placeholder: 'SIZE', brief: 'refuse larger blobs', group: 'Operation', min: 1 },
    quota: {
      kind: 'bytes',
      placeholder: 'SIZE',
      brief: 'refuse writes beyond this much data',
      group: 'Operation',
      min: 1,
    },
    gcInterval: {
      kind: 'duration',
      placeholder: 'TIME',
      brief: 'collect garbage this often',
      group: 'Operation',
      min: 60_000,
    },
    gcGrace: {
      kind: 'duration',
      placeholder: 'TIME',
      brief: 'how long unreachable content stays',
      group: 'Operation',
      fallback: 24 * 3_600_000,
    },
    shutdownTimeout: {
      kind: 'duration',
      placeholder: 'TIME',
      brief: 'how long to wait for running requests',
      group: 'Operation',
      min: 1000,
      fallback: 30_000,
    },
  },
  async run({ flags }, context) {
    const { cwd, signal, clock } = context;
    const path = (file: string | undefined) => (file === undefined ? undefined : resolve(cwd, file));
    const log = flags.accessLog === undefined ? undefined : openLog(flags.accessLog, context);
    // Whoever reads this tomorrow asks first when it was.
    const note = (text: string) => context.say(`${clock.now().toISOString()} ${text}`);
    const report = (error: unknown) => note(renderFault(asFault(error), context.errStyle));
    await serveRegistry({
      ...defined({
        data: path(flags.data),
        readyFile: path(flags.readyFile),
        htpasswd: path(flags.htpasswd),
        gcInterval: flags.gcInterval,
        accessLine: log,
      }),
      ...tlsOf(path(flags.tlsCert), path(flags.tlsKey)),
      addr: flags.addr,
      readOnly: flags.readOnly,
      allowAnonymousNetwork: flags.allowAnonymousNetwork,
      allowHosts: flags.allowHost,
      grace: flags.gcGrace,
      shutdownTimeout: flags.shutdownTimeout,
      limits: defined({ blobBytes: flags.maxBlob, quotaBytes: flags.quota }),
      version,
      clock,
      signal,
      onProblem: report,
      onCollected: collected => note(describeCollected(collected)),
      onReady: registry => {
        context.write(`${registry.url}\n`);
        note(
          `serving images of ${registry.data} at ${registry.url}; try: cg copy IMAGE ${new URL(registry.url).host}/IMAGE   stop with Ctrl-C`,
        );
      },
    });
    note('stopped');
    return { result: undefined };
  },
  text: () => '',
});

function openLog(target: string, context: Context): (line: string) => void {
  if (target === '-') return line => context.say(line);
  const stream = createWriteStream(resolve(context.cwd, target), { flags: 'a', mode: 0o600 });
  stream.on('error', error =>
    context.say(`warning: the access log ${target} cannot be written: ${error.message}`),
  );
  return line => void stream.write(`${line}\n`);
}

function tlsOf(cert: string | undefined, key: string | undefined): { tls?: { cert: string; key: string } } {
  if (cert !== undefined && key !== undefined) return { tls: { cert, key } };
  if (cert === undefined && key === undefined) return {};
  throw new Fault('USAGE', {
    what: 'TLS needs the certificate and its key',
    expected: '--tls-cert FILE and --tls-key FILE',
    actual: cert === undefined ? 'only --tls-key' : 'only --tls-cert',
    next: 'cg registry serve --help',
  });
}
