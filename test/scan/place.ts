import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LayoutRegistry } from '../../src/image/oci/layout/layout.ts';
import { catalogueImage } from '../../src/image/sbom/catalogue-image.ts';
import type { ScanTarget } from '../../src/risk/scan/engine.ts';
import type { FoundTool } from '../../src/risk/tools/find-tool.ts';
import { debianFiles, npmFiles, pushLayers } from '../scan-images.ts';

/** The image that the recorded reports are about: its bytes, and so all its digests, are always the same. */
export async function recordedTarget(folder: string): Promise<ScanTarget> {
  const layout = new LayoutRegistry(folder);
  const digest = await pushLayers(
    layout,
    'deb',
    debianFiles(
      ['libssl3', '3.0.11-1~deb12u1', 'Source: openssl\n'],
      ['zlib1g', '1:1.2.13.dfsg-1', 'Source: zlib\n'],
      ['bash', '5.2.15-2+b2'],
      ['cg-demo-tool', '1.0.0-1'],
    ),
    npmFiles('lodash', '4.17.20'),
  );
  return { inventory: await catalogueImage(layout, { digest }), layout: { folder, digest } };
}

/** What the real programs wrote about that image, with dates that a test chooses. */
export function recordedReport(engine: 'trivy' | 'grype'): string {
  return readFileSync(join(import.meta.dirname, `${engine}-report.json`), 'utf8');
}

/** A program that is none of ours, and does what a test wants it to do. `$out` is where its report should go. */
export function stubTool(folder: string, name: string, script: string): FoundTool {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  const find = `out=; for word; do case "$before" in --output) out=$word;; esac
case "$word" in json=*) out=\${word#json=};; esac; before=$word; done\n`;
  writeFileSync(path, `#!/bin/sh\n${find}${script}\n`);
  chmodSync(path, 0o755);
  return { path, digest: `sha256:${'0'.repeat(64)}`, trust: { trust: 'verified', version: '0' } };
}

export function writeDatabases(
  folder: string,
  builtAt: string,
): { readonly trivy: string; readonly grype: string } {
  const [trivy, grype] = [join(folder, 'trivy'), join(folder, 'grype')];
  mkdirSync(join(trivy, 'db'), { recursive: true });
  mkdirSync(join(grype, '6'), { recursive: true });
  writeFileSync(join(trivy, 'db', 'trivy.db'), '');
  writeFileSync(join(trivy, 'db', 'metadata.json'), JSON.stringify({ Version: 2, UpdatedAt: builtAt }));
  writeFileSync(join(grype, '6', 'vulnerability.db'), '');
  return { trivy, grype };
}
