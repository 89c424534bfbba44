import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

describe('./cg', () => {
  it('runs the built program, also through a link', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cg-link-'));
    try {
      symlinkSync(join(root, 'cg'), join(folder, 'cg'));
      for (const program of [join(root, 'cg'), join(folder, 'cg')]) {
        const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8', cwd: folder });
        expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^cg \d/) });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('says in one line how to build when nothing is built', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cg-unbuilt-'));
    try {
      mkdirSync(join(folder, 'scripts'));
      copyFileSync(join(root, 'cg'), join(folder, 'cg'));
      copyFileSync(join(root, 'scripts/launch.cjs'), join(folder, 'scripts/launch.cjs'));
      const { status, stderr } = spawnSync(join(folder, 'cg'), ['--version'], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 2, stderr: 'cg is not built yet; run: npm run build\n' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('npm start and npm test', () => {
  it.each(['start', 'test'])('say in one line that Node is too old for "%s"', task => {
    const folder = mkdtempSync(join(tmpdir(), 'cg-old-node-'));
    try {
      const pretend = join(folder, 'old.cjs');
      writeFileSync(
        pretend,
        "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } });",
      );
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ['-r', pretend, join(root, 'scripts/run.cjs'), task],
        { encoding: 'utf8' },
      );
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^CascadeGuard needs Node 20\.19 or newer; this is Node 20\.18\.3\. .+\n$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('name the tasks when one is misspelt', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/run.cjs'), 'strat'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('There is no task "strat". Tasks: start,');
  });
});
