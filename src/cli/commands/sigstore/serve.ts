import { resolve } from 'node:path';
import { defined } from '../../../model/defined.ts';
import { runSigstore } from '../../../workflow/run-sigstore.ts';
import { defineCommand } from '../../command.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg sigstore serve',
      does: 'certificate authority, logs, timestamps and an issuer, on this machine only',
    },
    {
      run: 'cg sigstore serve --project shop --addr 127.0.0.1:0 --ready-file ready.json',
      does: 'one of its own for a project, on any free port, for a script',
    },
  ],
  about:
    'Everything that keyless signing needs, without a network: Fulcio, a certificate log, Rekor 1 and 2, a timestamp\n' +
    'authority and an issuer of development identities. Its files (trusted_root.json, signing_config.json, PEM keys) work\n' +
    'with cosign. Nothing that it signs is ever accepted where --allow-local-trust is not given. It runs until Ctrl-C.',
  flags: {
    project: {
      kind: 'text',
      placeholder: 'NAME',
      brief: 'each project has an authority of its own',
      env: 'CG_PROJECT',
      fallback: 'local',
    },
    data: {
      kind: 'text',
      placeholder: 'DIR',
      brief: 'where keys and logs are kept (default ~/.local/share/cascadeguard/sigstore/NAME)',
      env: 'CG_SIGSTORE_DATA',
      complete: 'files',
    },
    addr: {
      kind: 'text',
      placeholder: '127.0.0.1:PORT',
      brief: 'where to listen; without it where it listened last, or any free port',
    },
    readyFile: {
      kind: 'text',
      placeholder: 'FILE',
      brief: 'write URL, process id and folder there once it serves',
      complete: 'files',
    },
  },
  async run({ flags }, context) {
    const path = (file: string | undefined) => (file === undefined ? undefined : resolve(context.cwd, file));

    await runSigstore({
      project: flags.project,
      environment: context.env,
      signal: context.signal,
      warn: text => context.progress({ type: 'note', level: 'warning', text }),
      onReady: ({ url, folder }) => {
        context.write(`${url}\n`);
        context.say(`a local Sigstore for ${flags.project}, NOT FOR PRODUCTION; its files are in ${folder}`);
        context.say('try: cg sign IMAGE --local   stop with Ctrl-C');
      },
      ...defined({ folder: path(flags.data), address: flags.addr, readyFile: path(flags.readyFile) }),
    });
    return { result: undefined };
  },
  text: () => '',
});
