import { join } from 'node:path';
import { writeFileAtomically } from '../../../../ground/store/atomic-file.ts';
import { type Certificate, parseCertificate } from '../../certificates/certificate.ts';
import { decodeOnePem, encodePem } from '../../certificates/pem.ts';
import {
  encodeToBeSigned,
  extensions,
  type IssuerName,
  randomSerial,
  signCertificate,
  spkiOf,
} from '../../certificates/profile.ts';
import { localMark } from '../../trust-root/local-certificate.ts';
import { type LocalKeys, readIfThere } from '../keys.ts';

/** The certificates of a local Sigstore: who may issue certificates and timestamps. */
export interface LocalAuthority {
  readonly root: Certificate;
  readonly intermediate: Certificate;
  readonly intermediateName: IssuerName;
  readonly timestampRoot: Certificate;
  readonly timestamp: Certificate;
}

const life = 10 * 365 * 24 * 60 * 60 * 1000;

/** The organization says what it is to everybody who looks at a certificate. */
export function namesFor(project: string): Record<'root' | 'intermediate' | 'tsaRoot' | 'tsa', IssuerName> {
  const organization = `${project} local Sigstore, ${localMark}`;
  return {
    root: { organization, commonName: 'local root' },
    intermediate: { organization, commonName: 'local intermediate' },
    tsaRoot: { organization, commonName: 'local timestamp root' },
    tsa: { organization, commonName: 'local timestamp authority' },
  };
}

export async function loadAuthority(
  folder: string | undefined,
  keys: LocalKeys,
  project: string,
  now: Date,
): Promise<LocalAuthority> {
  const names = namesFor(project);
  const made = issueAuthority(keys, names, now);
  const load = async (name: string, fresh: Buffer) => parseCertificate(await keep(folder, name, fresh));
  return {
    root: await load('root', made.root),
    intermediate: await load('intermediate', made.intermediate),
    intermediateName: names.intermediate,
    timestampRoot: await load('timestamp-root', made.timestampRoot),
    timestamp: await load('timestamp', made.timestamp),
  };
}

function issueAuthority(keys: LocalKeys, names: ReturnType<typeof namesFor>, now: Date) {
  const notBefore = new Date(Math.floor(now.getTime() / 1000) * 1000);
  const span = { notBefore, notAfter: new Date(notBefore.getTime() + life) };
  const [root, intermediate] = [spkiOf(keys['certificate-root']), spkiOf(keys['certificate-intermediate'])];
  const [tsaRoot, tsa] = [spkiOf(keys['timestamp-root']), spkiOf(keys.timestamp)];
  const issue = (
    key: 'certificate-root' | 'timestamp-root',
    subject: IssuerName,
    issuer: IssuerName,
    spki: Buffer,
    parts: readonly Buffer[],
  ) =>
    signCertificate(
      encodeToBeSigned({ serial: randomSerial(), subject, issuer, spki, ...span, extensions: parts }),
      keys[key],
    );
  const {
    authorityKeyUsage,
    authority,
    subjectKey,
    authorityKey,
    codeSigning,
    timeStamping,
    signingKeyUsage,
  } = extensions;
  return {
    root: issue('certificate-root', names.root, names.root, root, [
      authorityKeyUsage,
      authority(1),
      subjectKey(root),
    ]),
    intermediate: issue('certificate-root', names.intermediate, names.root, intermediate, [
      authorityKeyUsage,
      codeSigning,
      authority(0),
      subjectKey(intermediate),
      authorityKey(root),
    ]),
    timestampRoot: issue('timestamp-root', names.tsaRoot, names.tsaRoot, tsaRoot, [
      authorityKeyUsage,
      authority(0),
      subjectKey(tsaRoot),
    ]),
    timestamp: issue('timestamp-root', names.tsa, names.tsaRoot, tsa, [
      signingKeyUsage,
      timeStamping,
      subjectKey(tsa),
      authorityKey(tsaRoot),
    ]),
  };
}

async function keep(folder: string | undefined, name: string, fresh: Buffer): Promise<Buffer> {
  if (folder === undefined) return fresh;
  const path = join(folder, `${name}-certificate.pem`);
  const kept = await readIfThere(path);
  if (kept !== undefined) return decodeOnePem(kept, 'CERTIFICATE');
  await writeFileAtomically(path, encodePem('CERTIFICATE', fresh), { mode: 0o600, durable: true });
  return fresh;
}
