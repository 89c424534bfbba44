import { DerError } from '../der/der-error.ts';
import { decodeBase64 } from '../json/base64.ts';

export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** Every block of a PEM text, in order; text between the blocks is ignored (RFC 7468 §2). */
export function decodePem(text: string): { readonly label: string; readonly der: Buffer }[] {
  const blocks =
    /-----BEGIN (?<label>[A-Z0-9 ]{1,64})-----\r?\n(?<body>[A-Za-z0-9+/=\r\n]*?)-----END \k<label>-----/g;
  return [...text.matchAll(blocks)].map(({ groups }) => ({
    label: groups?.label ?? '',
    der: decodeBase64((groups?.body ?? '').replaceAll(/[\r\n]/g, '')),
  }));
}

/** The only block of a PEM text, with the label that is wanted. */
export function decodeOnePem(text: string, label: string): Buffer {
  const [block, ...rest] = decodePem(text);
  if (block === undefined || rest.length > 0 || block.label !== label) {
    throw new DerError(`not exactly one PEM block "${label}"`);
  }
  return block.der;
}
