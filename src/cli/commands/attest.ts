import { resolve } from 'node:path';
import { Fault } from '../../ground/fault/fault.ts';
import { attestImage, type PredicateFile } from '../../workflow/attest-image.ts';
import { defineCommand } from '../command.ts';
import { signingFlags, signingOptions } from '../evidence/signing-flags.ts';
import { renderSigned } from '../show/signed.ts';

export const command = defineCommand({
  examples: [
    {
      run: 'cg attest ghcr.io/shop/web:1.4 --predicate slsaprovenance1=provenance.json --predicate spdxjson=sbom.json',
      does: 'several statements with one certificate',
    },
    {
      run: 'cg attest ghcr.io/shop/web:1.4 --type vuln --predicate grype.json',
      does: 'one, as cosign spells it',
    },
    {
      run: 'cg attest 127.0.0.1:5000/shop/web:1.4 --local --predicate https://example.com/review/v1=review.json',
      does: 'a type of your own, with the local Sigstore',
    },
  ],
  about:
    'A file holds the predicate; the statement around it, with the digest as its subject, is made here. Known types are\n' +
    'checked against their schema before anything is signed: slsaprovenance1, spdxjson, cyclonedx, vuln, openvex, vsa,\n' +
    'test-result. Everything else about signing is as in cg sign.',
  args: [{ name: 'IMAGE', brief: 'the image to state things about', required: true }],
  flags: {
    predicate: {
      kind: 'text',
      placeholder: 'TYPE=FILE',
      brief: 'a predicate and its type; with --type only FILE',
      many: true,
      complete: 'files',
    },
    sign: { kind: 'toggle', brief: 'sign the image as well, with the same certificate' },
    type: { kind: 'text', placeholder: 'TYPE', brief: 'the type of a single --predicate FILE' },
    ...signingFlags,
  },
  async run({ flags, args: [image = ''] }, context) {
    const predicates = predicatesOf(flags.predicate, flags.type, context.cwd);
    return {
      result: await attestImage({
        ...(await signingOptions(image, flags, context)),
        predicates,
        sign: flags.sign,
      }),
    };
  },
  text: result =>
    `${renderSigned(result, 'attested')}\n${result.predicateTypes.map(type => `  ${type}`).join('\n')}`,
});

function predicatesOf(texts: readonly string[], type: string | undefined, cwd: string): PredicateFile[] {
  if (type !== undefined) {
    const [file, ...more] = texts;
    if (file !== undefined && more.length === 0) return [{ type, file: resolve(cwd, file) }];
    throw wrong('--type goes with one --predicate FILE', `${texts.length} predicates`);
  }
  if (texts.length === 0) throw wrong('there is nothing to attest', 'no --predicate');
  return texts.map(text => {
    // A URI has no "=" in practice, and a file name may: the first one counts.
    const at = text.indexOf('=');
    if (at <= 0) throw wrong('a predicate needs its type', text);
    return { type: text.slice(0, at), file: resolve(cwd, text.slice(at + 1)) };
  });
}

function wrong(what: string, actual: string): Fault {
  return new Fault('USAGE', {
    what,
    expected: '--predicate TYPE=FILE, as often as needed, or --type TYPE --predicate FILE',
    actual,
    next: 'cg attest --help',
  });
}
