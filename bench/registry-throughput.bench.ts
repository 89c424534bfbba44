import { createHash, randomBytes } from 'node:crypto';
import { startDockerRegistry } from '../test/docker-registry.ts';
import { findPeer } from '../test/peers.ts';
import { Client, makeImage, seededRandom } from '../test/registry-content.ts';
import { startRegistryProcess } from '../test/registry-process.ts';
import { measureRate, type Session } from './loopback-load.ts';
import type { Row } from './row.ts';

export const name = 'registry-throughput';

const connections = 32;
const rounds = 3;
const repository = 'bench/images';
const blob = randomBytes(1024 * 1024);
const layer = randomBytes(64 * 1024 * 1024);
const image = makeImage(seededRandom(1));

interface Workload {
  readonly what: string;
  readonly turns: number;
  readonly session: Session;
}

interface Target {
  readonly url: string;
  stop(): Promise<void>;
}

/** Both servers in the same run, in turns; the best round of each counts, as what disturbs only ever slows down. */
export async function run(): Promise<Row[]> {
  const program = findPeer('docker-registry');
  if (program === undefined) return [];
  const targets = [await startRegistryProcess(), await startDockerRegistry(program)] as const;
  try {
    for (const target of targets) await fill(target.url);
    const rows: Row[] = [];
    for (const workload of workloads()) rows.push(await compare(workload, targets));
    return rows;
  } finally {
    for (const target of targets) await target.stop();
  }
}

async function compare(workload: Workload, targets: readonly [Target, Target]): Promise<Row> {
  const best = [0, 0];
  for (let round = 0; round < rounds; round++) {
    for (const [index, target] of targets.entries()) {
      const port = Number(new URL(target.url).port);
      const rate = await measureRate(port, connections, workload.turns, workload.session);
      best[index] = Math.max(best[index] ?? 0, rate);
    }
  }
  const [ours = 0, peer = 0] = best;
  const ratio = ours / peer;
  const { what } = workload;
  return {
    what,
    ours: Math.round(ours),
    peer: Math.round(peer),
    peerName: 'docker-registry 2.8',
    unit: '1/s',
    ratio: Math.round(ratio * 100) / 100,
    target: 1,
    ok: ratio >= 1,
  };
}

function workloads(): readonly Workload[] {
  const accept = 'accept: application/vnd.oci.image.manifest.v1+json\r\n';
  return [
    { what: 'GET manifest by tag', turns: 3_000, session: get('GET', 'manifests/v1', accept) },
    {
      what: 'GET manifest by digest',
      turns: 3_000,
      session: get('GET', `manifests/${image.digest}`, accept),
    },
    { what: 'HEAD blob', turns: 3_000, session: get('HEAD', `blobs/${digestOf(blob)}`) },
    { what: 'GET blob of 1 MiB', turns: 1_000, session: get('GET', `blobs/${digestOf(blob)}`) },
    { what: 'GET layer of 64 MiB', turns: 64, session: get('GET', `blobs/${digestOf(layer)}`) },
    { what: 'push blob of 1 KiB (POST, PUT)', turns: 600, session: pushSmallBlob },
  ];
}

function get(method: 'GET' | 'HEAD', path: string, headers = ''): Session {
  const request = Buffer.from(
    `${method} /v2/${repository}/${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}\r\n`,
  );
  return async ask => {
    const { status } = await ask(request, method === 'HEAD');
    if (status !== 200) throw new Error(`${method} ${path} was answered with ${status}`);
  };
}

const pushSmallBlob: Session = async ask => {
  const bytes = randomBytes(1024);
  const opened = await ask(
    Buffer.from(
      `POST /v2/${repository}/blobs/uploads/ HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n`,
    ),
  );
  const location = /\r\nlocation: *(\S+)/i.exec(opened.head)?.[1];
  const url = new URL(location ?? '', 'http://bench.invalid');
  url.searchParams.set('digest', digestOf(bytes));
  const head = `PUT ${url.pathname}${url.search} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${bytes.length}\r\n\r\n`;
  const { status } = await ask(Buffer.concat([Buffer.from(head), bytes]));
  if (status !== 201) throw new Error(`a push was answered with ${status}`);
};

async function fill(url: string): Promise<void> {
  const client = new Client(url, repository);
  await client.pushImage(image, 'v1');
  for (const bytes of [blob, layer]) {
    const { status } = await client.pushBlob(bytes);
    if (status !== 201) throw new Error(`a blob was answered with ${status}`);
  }
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
