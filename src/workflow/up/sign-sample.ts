import { hasCode } from '../../ground/fault/fault.ts';
import { defaultProject } from '../evidence/trust-roots.ts';
import { type ServedSigstore, serveSigstore } from '../serve-sigstore.ts';
import { signImage } from '../sign-image.ts';
import { verifyImage } from '../verify-image.ts';

/** Who signed the sample, for the commands of the tour. */
export interface SampleSigner {
  readonly issuer: string;
  readonly identity: string;
}

/** A local Sigstore beside the registry. Where one runs on the folder already, that one is as good. */
export async function openUpSigstore(folder: string): Promise<ServedSigstore | undefined> {
  try {
    return await serveSigstore({ project: defaultProject, folder, environment: {} });
  } catch (error) {
    if (hasCode(error, 'FOLDER_IN_USE', 'LOCAL_SIGSTORE_BUSY')) return undefined;
    throw error;
  }
}

/** Signs the sample and its platforms, once: a second run finds the signature and adds none. */
export async function signSample(image: string, folder: string, signal: AbortSignal): Promise<SampleSigner> {
  const local = { folder };
  const anybody = [{ issuerRegExp: '.+', subjectRegExp: '.+' }];
  const reach = { env: {}, image, signal, local, recursive: true };
  const found = await verifyImage({ ...reach, identities: anybody, allowLocalTrust: true });
  const items = found.targets.flatMap(target => target.items);
  const signer =
    found.verdict === 'accepted'
      ? items.find(({ verified }) => verified)?.signer
      : (await signImage(reach)).signer;
  return signer?.kind === 'certificate'
    ? { issuer: signer.issuer, identity: signer.subject }
    : { issuer: '', identity: '' };
}
