/** Why bytes are not the DER that they should be. It never leaves the verifier: it becomes the reason `malformed`. */
export class DerError extends Error {
  override readonly name = 'DerError';
}
