import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LayoutRegistry } from '../../src/image/oci/layout/layout.ts';
import { blobOf, indexOf, manifestOf } from '../images.ts';
import { runCli } from './pretend.ts';

const evil =
  '\u001b]0;owned\u0007\r\n::set-output name=verdict::allow\n::stop-commands::x\n##[add-mask]x\u202e';

/** What a terminal or a runner of a CI would obey. */
function hazards(text: string, inGithub: boolean): string[] {
  // oxlint-disable-next-line no-control-regex
  const escapes = text.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/g) ?? [];
  const commands = inGithub
    ? (text.match(/^\s*::(?!group|endgroup|error|warning|debug)|##\[/gm) ?? [])
    : (text.match(/^\s*::/gm) ?? []);
  return [...escapes, ...commands];
}

async function evilImage(): Promise<string> {
  const layout = new LayoutRegistry(join(mkdtempSync(join(tmpdir(), 'cg-evil-')), 'image'));
  const config = blobOf(
    JSON.stringify({
      os: evil,
      architecture: evil,
      author: evil,
      config: { User: evil, Labels: { [evil]: evil }, Cmd: [evil] },
      rootfs: { type: 'layers', diff_ids: [] },
    }),
    'application/vnd.oci.image.config.v1+json',
  );
  const image = manifestOf({ config: config.descriptor, layers: [], annotations: { [evil]: evil } });
  await layout.push(config.push);
  await layout.push({ kind: 'manifest', ...image });
  const index = indexOf([{ manifest: image, platform: { os: evil, architecture: evil } }]);
  await layout.push({ kind: 'manifest', ...index, tags: ['v1'] });
  return `oci:${layout.folder}:v1`;
}

describe.each([
  ['a terminal', {}],
  ['GitHub Actions', { GITHUB_ACTIONS: 'true' }],
])('text that others wrote, shown in %s', (_name, env) => {
  const inGithub = 'GITHUB_ACTIONS' in env;

  it('is harmless in the tree of an image, and in its JSON', async () => {
    const image = await evilImage();
    for (const format of ['text', 'json']) {
      const { code, stdout, stderr } = await runCli(['inspect', image, '--output', format], { env });
      expect({ code, hazards: hazards(stdout + stderr, inGithub) }).toEqual({ code: 0, hazards: [] });
    }
  });

  it('is harmless in settings and in the errors about them', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'cg-evil-'));
    const quoted = JSON.stringify(evil);
    writeFileSync(
      join(cwd, '.cascadeguard.yaml'),
      `defaults: {registry: ${quoted}}\nregistries: {${quoted}: {insecure: true}}\n`,
    );
    const shown = await runCli(['config', 'show'], { cwd, env });
    expect({ code: shown.code, hazards: hazards(shown.stdout + shown.stderr, inGithub) }).toEqual({
      code: 0,
      hazards: [],
    });
    expect(shown.stdout).toContain('\\x1b');
    writeFileSync(join(cwd, '.cascadeguard.yaml'), `${quoted}: 1\nquarantine: ${quoted}\n`);
    const refused = await runCli(['config', 'show'], { cwd, env });
    expect({ code: refused.code, hazards: hazards(refused.stdout + refused.stderr, inGithub) }).toEqual({
      code: 2,
      hazards: [],
    });
  });

  it('is harmless as an argument that is repeated in an error', async () => {
    for (const words of [
      ['inspect', evil],
      ['copy', `oci:${evil}`, evil],
      [evil],
      ['inspect', 'x', `--${evil}`],
      ['help', evil],
    ]) {
      const { code, stdout, stderr } = await runCli(words, { env });
      expect(code).toBeGreaterThan(1);
      expect(hazards(stdout + stderr, inGithub)).toEqual([]);
    }
  });
});

describe('a secret', () => {
  it('that was put behind a flag without a value is not repeated', async () => {
    const { code, stderr } = await runCli(['login', 'ghcr.io', '--password-stdin=hunter2secret']);
    expect(code).toBe(2);
    expect(stderr).not.toContain('hunter2');
  });

  it('in the wrong flag points to the right one', async () => {
    const { stderr } = await runCli(['login', 'ghcr.io', '--password', 'hunter2secret']);
    expect(stderr).toContain('did you mean --password-stdin?');
    expect(stderr).not.toContain('hunter2');
  });
});
