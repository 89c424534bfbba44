import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBranch } from '../../../../delivery/git/change-branch.ts';
import type { Repositories } from '../repositories.ts';
import type { Teller } from '../teller.ts';
import { commitAndPush, copyExample, type Workshop } from '../workshop.ts';
import { pinFirstBases } from './pin-bases.ts';

export async function commitShop(workshop: Workshop, teller: Teller): Promise<Repositories> {
  const [shop, config] = [await workshop.git.create('shop'), await workshop.git.create('config')];
  const work = await copyExample(workshop, 'shop', 'shop');
  await writeFile(join(work, '.cascadeguard.yaml'), projectFile(config));
  await pinFirstBases(workshop, teller, work);
  const commit = await commitAndPush(workshop, work, shop, 'Sell books');
  const environments = await copyExample(workshop, 'config', 'config');
  await commitAndPush(workshop, environments, config, 'Describe dev, staging and prod');
  const head = await readBranch(
    { remote: shop, branch: 'main', env: workshop.env, signal: workshop.signal },
    async ({ commit: found }) => found,
  );
  teller.line(`shop     ${shop}   commit ${commit.slice(0, 12)}`);
  teller.line(`config   ${config}`);
  teller.claim('the commit is at the remote', head === commit, head);
  return { shop: { work, remote: shop, commit }, config: { remote: config } };
}

function projectFile(remote: string): string {
  const environment = (name: string) =>
    `    ${name}: { path: overlays/${name}, promotion: promotion.yaml }\n`;
  return `# Where the shop runs, and what an image must prove to come there.\ngitops:\n  repository: ${remote}\n  environments:\n${['dev', 'staging', 'prod'].map(environment).join('')}`;
}
