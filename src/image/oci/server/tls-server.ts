import { readFile } from 'node:fs/promises';
import type { RequestListener, ServerOptions } from 'node:http';
import { createServer, type Server } from 'node:https';
import { Fault } from '../../../ground/fault/fault.ts';

export interface TlsFiles {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
  /** Milliseconds between two looks at the files; ten seconds when it is not given. */
  readonly recheck?: number;
}

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const minVersion = 'TLSv1.2';

/** Serves TLS, and takes a renewed certificate without a restart: new connections get it. */
export async function createTlsServer(
  settings: ServerOptions,
  files: TlsFiles,
  handler: RequestListener,
  report: (error: unknown) => void = () => undefined,
): Promise<Server> {
  let pair = await readPair(files);
  const server = useFiles(files, () => createServer({ ...settings, ...pair, minVersion }, handler));
  let refused: Pair | undefined;
  const look = async (): Promise<void> => {
    const found = await readPair(files);
    // The two files change one after the other: until they fit together, the old pair serves on.
    if (isSame(found, pair) || (refused && isSame(found, refused))) return;
    refused = found;
    useFiles(files, () => server.setSecureContext({ ...found, minVersion }));
    pair = found;
    refused = undefined;
  };
  const timer = setInterval(() => void look().catch(report), files.recheck ?? 10_000).unref();
  server.once('close', () => clearInterval(timer));
  return server;
}

function isSame(a: Pair, b: Pair): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key);
}

async function readPair(files: TlsFiles): Promise<Pair> {
  return { cert: await readPem(files.cert), key: await readPem(files.key) };
}

function useFiles<T>(files: TlsFiles, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw new Fault('TLS_INVALID', {
      what: 'the certificate and key cannot be used for TLS',
      where: `${files.cert}, ${files.key}`,
      expected: 'a certificate chain and its private key, both PEM',
      cause,
    });
  }
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Fault('FILE_MISSING', { what: 'the file for TLS cannot be read', where: path, cause });
  }
}
