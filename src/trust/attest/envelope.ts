/** DSSE: an envelope that says what kind of thing is signed (Dead Simple Signing Envelope 1.0). */
export const statementPayloadType = 'application/vnd.in-toto+json';

/** What is really signed: the type and the body, each with its length in bytes. */
export function encodePreAuthentication(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    payload,
  ]);
}
