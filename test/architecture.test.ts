import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { house, strayImport } from './house.ts';

const src = join(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .map(file => file.replaceAll('\\', '/'))
  .sort();
const shipped = files.filter(file => !file.endsWith('.test.ts'));

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  const specifiers =
    /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [...text.matchAll(specifiers)].map(match => match[1] ?? match[2] ?? match[3] ?? '');
}

function localImports(file: string): string[] {
  return importsOf(file)
    .filter(specifier => specifier.startsWith('.'))
    .map(specifier => normalize(join(dirname(file), specifier)).replaceAll('\\', '/'));
}

describe('the house', () => {
  it('finds the sources that it judges', () => {
    expect(shipped.length).toBeGreaterThan(10);
    expect(shipped.flatMap(localImports).length).toBeGreaterThan(shipped.length);
  });

  it('has imports that only point down, along the edges of test/house.ts', () => {
    const strays = files.flatMap(file =>
      localImports(file)
        .filter(target => !target.startsWith('..'))
        .flatMap(target => strayImport(file, target) ?? []),
    );
    expect(strays).toEqual([]);
  });

  it('says where a stray import belongs', () => {
    expect(strayImport('trust/policy/evaluate.ts', 'image/oci/registry.ts')).toMatch(
      /^src\/trust\/policy\/evaluate\.ts \(floor 3\) must not import src\/image\/oci\/registry\.ts.*belongs in .*src\/workflow\//,
    );
    expect(strayImport('model/digest.ts', 'ground/fault/fault.ts')).toBeDefined();
    expect(strayImport('cli/commands/copy.ts', 'image/oci/copy.ts')).toBeDefined();
    expect(strayImport('workflow/copy-image.ts', 'image/oci/copy.ts')).toBeUndefined();
  });

  it('has edges that only point to the same floor or down', () => {
    for (const wing of house) {
      for (const allowed of wing.mayImport) {
        const target = house.filter(
          other => other.folder.startsWith(allowed) || allowed.startsWith(other.folder),
        );
        expect(
          Math.min(...target.filter(t => t.folder !== '').map(t => t.floor)),
          `${wing.folder} → ${allowed}`,
        ).toBeLessThanOrEqual(wing.floor);
      }
    }
  });

  it('has no circle of imports', () => {
    const graph = new Map(shipped.map(file => [file, localImports(file)]));
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) {
        circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
      done.add(file);
    };
    for (const file of shipped) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('imports packages that are listed, and Node modules by their node: name', () => {
    const listed = Object.keys(
      JSON.parse(readFileSync(join(src, '../package.json'), 'utf8')).devDependencies,
    );
    for (const file of shipped) {
      for (const specifier of importsOf(file).filter(name => !name.startsWith('.'))) {
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        expect(builtinModules.includes(specifier), `src/${file}: write node:${specifier}`).toBe(false);
        expect(
          specifier.startsWith('node:') || listed.includes(name),
          `src/${file} imports ${specifier}, which package.json does not list`,
        ).toBe(true);
      }
    }
  });

  it('has files named after what they hold', () => {
    const vague = files.filter(file => /(?:^|\/)(?:utils?|helpers?|common|misc)(?:\.|\/)/.test(file));
    const shouting = files.filter(file => !/^[a-z0-9./-]+$/.test(file));
    expect({ vague, shouting }).toEqual({ vague: [], shouting: [] });
  });

  it('keeps its edges readable: relative(src) never leaves src', () => {
    for (const file of shipped) {
      for (const target of localImports(file)) {
        expect(relative('.', target).startsWith('..'), `src/${file} imports ${target}, outside src`).toBe(
          false,
        );
      }
    }
  });
});
