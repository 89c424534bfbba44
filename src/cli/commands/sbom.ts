import { stage } from '../../ground/progress/progress.ts';
import { defined } from '../../model/defined.ts';
import { listContents, writeCycloneDx, writeSpdx } from '../../workflow/list-contents.ts';
import { defineCommand } from '../command.ts';
import { completeImageArgument, platforms, reachOptions, registryFlags } from '../registry-flags.ts';
import { renderInventory, renderPackageTable } from '../show/inventory.ts';
import { version } from '../version.ts';

export const command = defineCommand({
  examples: [
    { run: 'cg sbom ghcr.io/shop/web:1.4', does: 'what is installed in an image, counted' },
    {
      run: 'cg sbom ghcr.io/shop/web:1.4 --output cyclonedx-json --output-file sbom.json',
      does: 'as CycloneDX 1.6, for scanners and for cg attest; spdx-json is SPDX 2.3',
    },
    {
      run: 'cg sbom oci:./web --platform linux/arm64 --base ghcr.io/shop/base:3 --output table',
      does: 'every package, and which of them came with the base image',
    },
    { run: 'cg sbom dir:./rootfs --output json | jq .packages', does: 'a folder' },
  ],
  about:
    'Read without a container engine: each layer passes once and nothing is unpacked on disk. Found are dpkg (distroless\n' +
    'as well), apk, rpm, npm, Python, Go programs, Java archives with what is nested in them, and Ruby gems.\n' +
    'What could not be read is listed as a problem, never left out in silence. Without --platform an index gives the image\n' +
    "for linux on this machine's architecture, or its only one. The same image gives the same bytes: the time in an SBOM is\n" +
    "the image's own (or SOURCE_DATE_EPOCH). Formats: text, table, json, spdx-json, cyclonedx-json.",
  args: [
    {
      name: 'TARGET',
      brief: 'an image reference, oci:FOLDER, oci-archive:FILE, docker-archive:FILE or dir:FOLDER',
      required: true,
      complete: completeImageArgument,
    },
  ],
  flags: {
    platform: {
      kind: 'text',
      placeholder: 'OS/ARCH',
      brief: 'which image of an index',
      complete: () => platforms,
    },
    base: {
      kind: 'text',
      placeholder: 'IMAGE',
      brief: 'the image it was built on; without it what the annotations say, in the same registry',
      complete: completeImageArgument,
    },
    cache: { kind: 'toggle', brief: 'read every layer again, and keep nothing', fallback: true },
    ...registryFlags,
  },
  formats: {
    table: renderPackageTable,
    'spdx-json': inventory => writeSpdx(inventory, { version }),
    'cyclonedx-json': inventory => writeCycloneDx(inventory, { version }),
  },
  async run({ flags, args: [target = ''] }, context) {
    const reach = await reachOptions(flags, context);
    const result = await stage(context.progress, `read ${target}`, id =>
      listContents({
        ...reach,
        target,
        cwd: context.cwd,
        cache: flags.cache,
        onLayer: (done, total) => context.progress({ type: 'amount', id, done, total, unit: 'items' }),
        onChoice: (chosen, others) =>
          context.say(`this is the image for ${chosen}; --platform chooses ${others.join(', ')}`),
        onNote: text => context.progress({ type: 'note', level: 'info', text }),
        ...defined({ platform: flags.platform, base: flags.base }),
      }),
    );
    for (const { path, message, cataloguer } of result.problems) {
      context.progress({ type: 'note', level: 'warning', text: `${cataloguer}: ${path}: ${message}` });
    }
    return { result };
  },
  text: renderInventory,
});
