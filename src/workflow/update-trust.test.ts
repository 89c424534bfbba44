import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  makeKey,
  type Publication,
  publish,
  type RepositoryKeys,
  rootDocument,
  type ServedRepository,
  serveRepository,
  signDocument,
} from '../../test/trust-repository.ts';
import { frozenClock } from '../model/clock.ts';
import shipped from '../trust/attest/trust-root/public-good.json' with { type: 'json' };
import { shippedRootVersion } from '../trust/attest/trust-root/public-good.ts';
import { pinnedRoot } from '../trust/attest/trust-root/refreshed-root.ts';
import { requireSignatures } from '../trust/attest/trust-root/tuf/threshold.ts';
import { readPublicRoot } from './evidence/trust-roots.ts';
import { updateTrust } from './update-trust.ts';

const target = Buffer.from(JSON.stringify(shipped.trustedRoot));
const laterTarget = Buffer.from(JSON.stringify(shipped.trustedRoot, null, 1));
const now = '2027-01-01T00:00:00Z';
const old: RepositoryKeys = {
  root: [makeKey('r1', 'ed25519'), makeKey('r2', 'ecdsa'), makeKey('r3', 'rsa')],
  online: [makeKey('o1', 'ecdsa')],
};
const next: RepositoryKeys = {
  root: [makeKey('n1', 'ecdsa'), makeKey('n2', 'ed25519'), makeKey('n3', 'ecdsa')],
  online: [makeKey('o2', 'ed25519')],
};
const stranger = makeKey('o1', 'ecdsa');
/** Root versions beside those of the public repository, so that what is stored counts as later than what ships. */
const first = shippedRootVersion;
const pinned = signDocument(rootDocument(first, old), old.root).toString();
const usual: Publication = { timestamp: 5, snapshot: 5, targets: 5, target };

let repository: ServedRepository;
let home: string;
beforeAll(async () => {
  repository = await serveRepository();
});
afterAll(() => repository.close());
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cg-trust-'));
  repository.files.clear();
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const stored = () => join(home, '.local/share/cascadeguard/trust/public-good/refreshed.json');
const storedBytes = () => (existsSync(stored()) ? readFileSync(stored(), 'utf8') : undefined);
const update = (at = now) =>
  updateTrust({ env: { HOME: home }, clock: frozenClock(at), mirror: repository.url, pinned });

function serve(publication: Partial<Publication> = {}, keys = old): void {
  for (const [file, bytes] of publish(keys, { ...usual, ...publication })) repository.files.set(file, bytes);
}

function serveRoot(
  version: number,
  keys: RepositoryKeys,
  signers = [...old.root, ...next.root],
  more = {},
): void {
  repository.files.set(`${version}.root.json`, signDocument(rootDocument(version, keys, more), signers));
}

async function expectRefused(
  message: RegExp,
  code: unknown = 'TRUST_UPDATE_REFUSED',
  at = now,
): Promise<void> {
  const before = storedBytes();
  await expect(update(at)).rejects.toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
  expect(storedBytes()).toBe(before);
}

describe('the pinned root', () => {
  it('is signed by its own keys, written as the public repository writes them', () => {
    const root = pinnedRoot();
    expect(root.version).toBeLessThanOrEqual(shippedRootVersion);
    expect(() => requireSignatures(root, root, 'root')).not.toThrow();
  });

  it('is not believed when one letter of it is another', () => {
    const changed = pinnedRoot(
      JSON.stringify(JSON.parse(pinnedRoot().bytes.toString())).replace('"threshold":3', '"threshold":2'),
    );
    expect(() => requireSignatures(changed, changed, 'root')).toThrow(/too few/);
  });
});

describe('updating the public root', () => {
  it('stores what is proven, with its date, and judges with it from then on', async () => {
    serve();
    expect(await readPublicRoot({ HOME: home }, pinnedRoot(pinned))).toMatchObject({ origin: 'shipped' });
    expect(await update()).toMatchObject({
      changed: true,
      rootVersion: first,
      targetsVersion: 5,
      path: stored(),
    });
    // The root that this program pins did not lead to it, so without the other pin nobody believes it.
    await expect(readPublicRoot({ HOME: home })).rejects.toThrow(/refreshed trust root/);
    expect(await readPublicRoot({ HOME: home }, pinnedRoot(pinned))).toMatchObject({
      name: 'public-good',
      origin: 'refreshed',
      taken: new Date(now),
    });
    expect(statSync(stored()).mode & 0o777).toBe(0o644);
    const again = await update('2027-01-02T00:00:00Z');
    const schema = JSON.parse(readFileSync('schema/output/trust-update.schema.json', 'utf8')) as object;
    expect(new Ajv2020({ strict: true }).validate(schema, again)).toBe(true);
    expect(again).toMatchObject({
      changed: false,
      taken: '2027-01-02T00:00:00.000Z',
    });
  });

  it('follows rotations of every key, one version after the other, and goes on from the last', async () => {
    serve();
    await update();
    serveRoot(first + 1, next);
    serveRoot(first + 2, next);
    // Versions begin anew under new keys: what withdrawn keys signed does not hold them up.
    serve({ timestamp: 1, snapshot: 1, targets: 1, target: laterTarget }, next);
    expect(await update()).toMatchObject({ changed: true, rootVersion: first + 2, targetsVersion: 1 });
    repository.files.delete(`${first + 1}.root.json`);
    expect(await update()).toMatchObject({ changed: false, rootVersion: first + 2 });
  });

  it('prefers what ships with the program when that is later', async () => {
    serve();
    await update('2020-01-01T00:00:00Z');
    expect(await readPublicRoot({ HOME: home }, pinnedRoot(pinned))).toMatchObject({ origin: 'shipped' });
  });

  it('says so when the stored file is damaged, and does not judge with half of it', async () => {
    serve();
    await update();
    const content = JSON.parse(readFileSync(stored(), 'utf8')) as Record<string, string>;
    writeFileSync(stored(), JSON.stringify({ ...content, target: laterTarget.toString('base64') }));
    await expect(readPublicRoot({ HOME: home }, pinnedRoot(pinned))).rejects.toThrow(
      /not the one that was signed/,
    );
  });

  it('calls a repository that cannot be reached unreachable, and opens nothing offline', async () => {
    repository.files.set(`${first + 1}.root.json`, response => response.destroy());
    const gone = await serveRepository();
    await gone.close();
    const o = { env: { HOME: home }, clock: frozenClock(now), pinned };
    await expect(updateTrust({ ...o, offline: true })).rejects.toThrow(
      expect.objectContaining({ code: 'OFFLINE' }),
    );
    const signal = AbortSignal.timeout(20_000);
    await expect(updateTrust({ ...o, mirror: gone.url, signal })).rejects.toThrow(
      expect.objectContaining({ code: 'NETWORK' }),
    );
    expect(storedBytes()).toBeUndefined();
  }, 30_000);
});

describe('a hostile or broken repository is refused, and nothing is stored:', () => {
  beforeEach(async () => {
    serve();
    await update();
  });

  it.each([
    ['an older timestamp', { timestamp: 4 }],
    ['an older snapshot under a newer timestamp', { timestamp: 6, snapshot: 4 }],
    ['older targets under a newer snapshot', { timestamp: 6, snapshot: 6, targets: 4 }],
  ])('rollback to %s', async (_name, publication) => {
    serve(publication);
    await expectRefused(/rollback/);
  });

  it('a frozen repository, whose timestamp has expired', async () => {
    await expectRefused(/timestamp.json.*expired/, 'TRUST_UPDATE_REFUSED', '2029-06-01T00:00:00Z');
  });

  it.each(['snapshot', 'targets'] as const)('an expired %s', async role => {
    serve({ timestamp: 6, snapshot: 6, targets: 6, change: { [role]: { expires: '2026-01-01T00:00:00Z' } } });
    await expectRefused(new RegExp(`${role}.json.*expired`));
  });

  it('an expired root', async () => {
    serveRoot(first + 1, old, [...old.root], { expires: '2026-01-01T00:00:00Z' });
    await expectRefused(/root.json.*expired/);
  });

  it.each(['timestamp', 'snapshot'] as const)(
    'a %s that somebody else signed under the id of the key',
    async role => {
      serve({ timestamp: 6, snapshot: 6, targets: 6, signers: { [role]: [stranger] } });
      await expectRefused(/too few/);
    },
  );

  it('targets with one signature where two are needed, or one twice', async () => {
    const [one] = old.root.slice(0, 1);
    if (one === undefined) throw new Error('no key');
    serve({ timestamp: 6, snapshot: 6, targets: 6, signers: { targets: [one, one] } });
    await expectRefused(/too few of the targets keys/);
  });

  it('a root that names one key under several ids', async () => {
    const [one, two] = old.root;
    if (one === undefined || two === undefined) throw new Error('no key');
    const twice = { root: [one, { ...one, id: 'alias' }], online: old.online };
    serveRoot(first + 1, twice, [one, two, ...twice.root]);
    await expectRefused(/one key under several ids/);
  });

  it('a root that only the new keys signed, or only the old ones', async () => {
    serveRoot(first + 1, next, [...next.root]);
    await expectRefused(/too few of the root keys/);
    serveRoot(first + 1, next, [...old.root]);
    await expectRefused(/too few of the root keys/);
  });

  it('a root that skips a version', async () => {
    repository.files.set(`${first + 1}.root.json`, signDocument(rootDocument(first + 2, old), old.root));
    await expectRefused(/another version/);
  });

  it('roots without an end', async () => {
    for (let n = 1; n <= 65; n++) serveRoot(first + n, old, old.root.slice(0, 2));
    await expectRefused(/more than 64 roots/);
  });

  it('files of different publications that are mixed', async () => {
    const change = { snapshot: { expires: '2029-01-01T00:00:01Z' } };
    const other = publish(old, { ...usual, timestamp: 6, snapshot: 6, targets: 6, change });
    serve({ timestamp: 6, snapshot: 6, targets: 6 });
    const mixed = other.get('6.snapshot.json') ?? Buffer.alloc(0);
    repository.files.set('6.snapshot.json', mixed);
    await expectRefused(/as long as|sha256|more than/, expect.stringMatching(/REFUSED|LIMIT/));
  });

  it('a file of another version, where the list gives no hashes', async () => {
    const meta = { 'snapshot.json': { version: 6 } };
    serve({ timestamp: 6, snapshot: 6, targets: 6, change: { timestamp: { meta } } });
    const earlier = publish(old, usual).get('5.snapshot.json') ?? Buffer.alloc(0);
    repository.files.set('6.snapshot.json', earlier);
    await expectRefused(/another version/);
  });

  it('a target with other bytes of the same length', async () => {
    const changed = Buffer.from(target.toString().replace('rekor.sigstore.dev', 'rekor.sigstore.def'));
    for (const [file, bytes] of repository.files)
      if (bytes instanceof Buffer && bytes.equals(target)) repository.files.set(file, changed);
    await expectRefused(/its sha256 is not/);
  });

  it('a signed target that is no trust root', async () => {
    serve({ timestamp: 6, snapshot: 6, targets: 6, target: Buffer.from('{}') });
    await expectRefused(/cannot be read/, 'TRUST_ROOT_INVALID');
  });

  it.each(['timestamp.json', `${first + 1}.root.json`])('endless data in place of %s', async file => {
    repository.files.set(file, response => {
      const flow = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
      };
      response.on('drain', flow);
      flow();
    });
    await expectRefused(/more than/, 'LIMIT_EXCEEDED');
  });

  it('a file that is listed and not there', async () => {
    repository.files.delete('5.targets.json');
    await expectRefused(/is missing/);
  });

  it('a repository without consistent snapshots', async () => {
    serveRoot(first + 1, old, [...old.root], { consistent_snapshot: false });
    await expectRefused(/no consistent snapshots/);
  });

  it('a document that says one thing twice', async () => {
    repository.files.set('timestamp.json', Buffer.from('{"signed":{},"signed":{},"signatures":[]}'));
    await expectRefused(/twice/);
  });
});
