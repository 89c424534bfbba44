import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Git } from '../../src/delivery/git/git.ts';
import { importAdvisories } from '../../src/workflow/keep-advisories.ts';
import { learnAdvisories } from '../../src/workflow/up/story/chapters/learn-advisories.ts';
import { advisoriesOf } from '../../src/workflow/up/story/chapters/release-services.ts';
import { Teller } from '../../src/workflow/up/story/teller.ts';
import { commitAndPush } from '../../src/workflow/up/story/workshop.ts';
import {
  believe,
  cg,
  ci,
  closeLine,
  type Env,
  generatePipeline,
  json,
  ok,
  openLine,
  overlay,
  plain,
  readWorkflow,
  runGithubJob,
  runGithubMerge,
  runGitlab,
  shop,
  startJob,
  work,
  workshop,
} from './line.ts';

interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: ReturnType<typeof JSON.parse>;
}

let forge: Server;
let api: string;
let restore: () => void;
const received: Received[] = [];

/** Code scanning, as far as its documentation says what it wants. */
async function openForge(): Promise<void> {
  forge = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const answer = (status: number, value: object) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      const { method, url = '', headers } = request;
      if (headers.authorization !== 'Bearer of-the-job') return answer(401, { message: 'Bad credentials' });
      if (method === 'GET') return answer(200, { processing_status: 'complete' });
      const body = JSON.parse(Buffer.concat(chunks).toString());
      received.push({ path: url, headers, body });
      const isRight =
        /^[0-9a-f]{40}$/.test(body.commit_sha) &&
        body.ref.startsWith('refs/heads/') &&
        typeof body.sarif === 'string';
      return isRight
        ? answer(202, { id: `id-${received.length}`, url: 'x' })
        : answer(400, { message: 'no' });
    });
  });
  await new Promise<void>(resolve => forge.listen(0, '127.0.0.1', resolve));
  api = `http://127.0.0.1:${(forge.address() as AddressInfo).port}`;
}

const state = () => join(work, '.cascadeguard/findings.json');
const released = (name: string): string =>
  json('.cg/release.json').images.find(({ image }: { image: string }) => image === name).ref;
const tagged = async (name: string, tag: string): Promise<string> =>
  (await ok(['inspect', `${workshop.host}/bookstore/${name}:${tag}`], plain)).digest;
const resolve = (commit: string, ...more: readonly string[]) =>
  ci('resolve', '--commit', commit, '--verify', '--policy', 'policy.yaml', ...more, ...believe());

/** Changes one service and runs its merge on GitHub: the other one is kept. */
async function mergeChange(name: string, text: string, run: number): Promise<string> {
  writeFileSync(join(work, `services/${name}/server.js`), `// ${text}\n`);
  const commit = await commitAndPush(workshop, work, shop.remote, text);
  await startJob('github', commit, run);
  rmSync(join(work, '.cg'), { recursive: true, force: true });
  await runGithubMerge();
  return commit;
}

beforeAll(async () => {
  await Promise.all([openLine(), openForge()]);
  restore = await generatePipeline('github', 'https://github.com/bookstore/shop', 1);
  await runGithubMerge();
}, 120_000);
afterAll(async () => {
  forge.close();
  await closeLine();
});

describe('a release', () => {
  let commit: string;
  const release = { GITHUB_REF_NAME: 'v1.0.0' };

  it('gives what the merge built and what it kept the version, and pins both after the first environment', async () => {
    commit = await mergeChange('cart', 'A cart to release', 2);
    // A merge that comes between takes the tag of the entry away.
    const later = await mergeChange('cart', 'A cart for the next release', 3);
    expect(later).not.toBe(commit);
    const git = new Git(work, { env: workshop.env });
    await git.run(['switch', '--quiet', '--detach', commit]);
    await startJob('github', commit, 4);
    rmSync(join(work, '.cg'), { recursive: true, force: true });
    const ran: string[] = [];
    for (const one of Object.values(readWorkflow('release'))) await runGithubJob(one, {}, ran, release);
    expect(ran).toEqual(['resolve', 'tag', 'bump']);
    for (const name of ['cart', 'web']) {
      const digest = released(name).split('@')[1];
      expect(await tagged(name, 'v1.0.0')).toBe(digest);
      expect(await overlay('staging')).toContain(`digest: ${digest}`);
    }
    expect(await tagged('cart', `sha-${commit}`)).toBe(released('cart').split('@')[1]);
    expect(await tagged('cart', `sha-${later}`)).not.toBe(released('cart').split('@')[1]);
  });

  it('can be run again, and never moves a version', async () => {
    const tag = (...more: readonly string[]) => ci('tag', '--release', '.cg/release.json', ...more);
    const again = await ok(tag('--version', 'v1.0.0'), plain);
    expect(again.images.map(({ set }: { set: string[] }) => set)).toEqual([[], []]);
    const other = { images: [{ image: 'cart', ref: released('web').replace('/web@', '/cart@') }] };
    writeFileSync(join(work, '.cg/other.json'), JSON.stringify(other));
    const absent = await cg(ci('tag', '--release', '.cg/other.json', '--version', 'v1.0.1'), plain);
    expect([absent.code, absent.stderr.includes('does not have')]).toEqual([3, true]);
    const git = new Git(work, { env: workshop.env });
    await git.run(['switch', '--quiet', 'main']);
    await ok(resolve('HEAD', '--out', '.cg/later.json'), plain);
    const moved = await cg(ci('tag', '--release', '.cg/later.json', '--version', 'v1.0.0'), plain);
    expect([moved.code, moved.stderr.includes('TAG_TAKEN')]).toEqual([4, true]);
    expect(await tagged('cart', 'v1.0.0')).toBe(released('cart').split('@')[1]);
    const stranger = {
      images: [{ image: 'x', ref: `${workshop.host}/bookstore/orders@sha256:${'a'.repeat(64)}` }],
    };
    writeFileSync(join(work, '.cg/other.json'), JSON.stringify(stranger));
    expect((await cg(ci('tag', '--release', '.cg/other.json', '--version', 'v1.0.1'), plain)).code).toBe(4);
  });

  it('is latest only where that is wanted, and never before it is one', async () => {
    const tag = (...more: readonly string[]) =>
      ok(ci('tag', '--release', '.cg/release.json', ...more), plain);
    const tagsOf = ({ images }: { images: { tags: string[] }[] }) => images[0]?.tags;
    expect(tagsOf(await tag('--version', 'v1.0.0'))).toEqual(['v1.0.0']);
    expect(tagsOf(await tag('--version', 'v1.1.0-rc.1', '--latest'))).toEqual(['v1.1.0-rc.1']);
    expect(tagsOf(await tag('--version', 'v1.0.0', '--latest'))).toEqual(['v1.0.0', 'latest']);
    for (const version of ['v1', 'next', 'v1.0.0+build', 'v01.0.0', 'v1.0.0-'])
      expect((await cg(ci('tag', '--release', '.cg/release.json', '--version', version), plain)).code).toBe(
        2,
      );
  });

  it('does not happen for a commit of which something is not published, and says what', async () => {
    writeFileSync(join(work, 'services/web/server.js'), '// never merged\n');
    const dirty = await cg(resolve('HEAD'), plain);
    expect([dirty.code, dirty.stderr.includes('git switch --detach')]).toEqual([2, true]);
    const unbuilt = await commitAndPush(workshop, work, shop.remote, 'A web that nobody built');
    const missing = await cg(resolve(unbuilt, '--out', '.cg/missing.json'), plain);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('RELEASE_INCOMPLETE');
    expect(missing.stderr).toContain('nothing that is published of web is of this commit');
    expect(missing.stderr).toContain('cg-merge');
    expect(existsSync(join(work, '.cg/missing.json'))).toBe(false);
    const git = new Git(work, { env: workshop.env });
    await git.run(['switch', '--quiet', '--detach', commit]);
    const stranger = { identity: { subject: 'somebody@example.com', issuer: workshop.issuer } };
    writeFileSync(join(work, '.cg/policy.yaml'), JSON.stringify(stranger));
    const unbelieved = ci('resolve', '--commit', commit, '--policy', '.cg/policy.yaml', ...believe());
    expect((await cg(unbelieved, plain)).code).toBe(1);
    expect((await cg(resolve('0123456789abcdef0123456789abcdef01234567'), plain)).code).toBe(2);
    const entry = readFileSync(join(work, 'images.yaml'), 'utf8').replaceAll(workshop.host, '127.0.0.1:9');
    writeFileSync(join(work, 'unreachable.yaml'), entry);
    expect((await cg([...resolve(commit), '--images-yaml', 'unreachable.yaml'], plain)).code).toBe(3);
    rmSync(join(work, 'unreachable.yaml'));
  });
});

describe('a night', () => {
  const night = async (more: Env = {}): Promise<ReturnType<typeof json>> => {
    rmSync(join(work, '.cg/rescan'), { recursive: true, force: true });
    const ran: string[] = [];
    await runGithubJob(readWorkflow('nightly')['rescan'], {}, ran, more);
    expect(ran).toEqual(['rescan']);
    return json('.cg/rescan/rescan.json');
  };
  const news = (report: { images: { added: { id: string }[] }[] }) =>
    report.images.flatMap(({ added }) => added.map(({ id }) => id));

  it('scans every digest that runs once, from its signed SBOM, and finds what was known no news', async () => {
    const report = await night();
    expect(report.images.map(({ image }: { image: string }) => image.split('@')[0])).toEqual(
      ['cart', 'cart', 'web'].map(name => `${workshop.host}/bookstore/${name}`),
    );
    expect(report.images.at(-1).environments).toEqual(['dev', 'staging']);
    expect(report.images.flatMap(({ problems }: { problems: object[] }) => problems)).toEqual([]);
    expect(news(report)).toEqual([]);
    expect(report.idle.length).toBeGreaterThan(0);
    const [folder] = readdirSync(join(work, '.cg/rescan')).filter(name => !name.includes('.json'));
    expect(existsSync(join(work, '.cg/rescan', folder ?? ''))).toBe(true);
  });

  it('says what is new once: the second night nothing is, and no byte of the state changes', async () => {
    const day = join(workshop.example, 'advisories/today');
    const record = readFileSync(join(day, 'ALPINE-CVE-2024-12797.json'), 'utf8')
      .replaceAll('CVE-2024-12797', 'CVE-2026-0001')
      .replace('"openssl"', '"busybox"')
      .replace('3.3.3-r0', '99.0.0-r0');
    mkdirSync(join(work, '.cg/tomorrow'), { recursive: true });
    writeFileSync(join(work, '.cg/tomorrow/ALPINE-CVE-2026-0001.json'), record);
    const { env, clock } = workshop;
    const sources = [day, '.cg/tomorrow'];
    await importAdvisories({
      env,
      clock,
      cwd: work,
      database: advisoriesOf(workshop),
      sources,
      asOf: clock.now(),
    });
    const summary = join(work, '.cg/summary');
    writeFileSync(summary, '');
    const report = await night({ GITHUB_STEP_SUMMARY: summary });
    expect(new Set(news(report))).toEqual(new Set(['CVE-2026-0001']));
    // It would be denied now, and that is told, not failed of.
    expect(report.images.map(({ status }: { status: string }) => status)).toEqual(['deny', 'deny', 'deny']);
    expect(readFileSync(summary, 'utf8')).toContain('CVE-2026-0001');
    const before = readFileSync(state(), 'utf8');
    expect(news(await night())).toEqual([]);
    expect(readFileSync(state(), 'utf8')).toBe(before);
  });

  it('tells GitHub by one category for each repository of images', async () => {
    const ran: string[] = [];
    const told = { GITHUB_API_URL: api, GITHUB_TOKEN: 'of-the-job' };
    await runGithubJob(readWorkflow('nightly')['report'], {}, ran, told);
    expect(ran).toEqual(['sarif']);
    expect(received.map(({ path }) => path)).toEqual([
      '/repos/bookstore/shop/code-scanning/sarifs',
      '/repos/bookstore/shop/code-scanning/sarifs',
    ]);
    const runs = received.map(
      ({ body }) => JSON.parse(gunzipSync(Buffer.from(body.sarif, 'base64')).toString()).runs,
    );
    expect(runs.map(list => list.map((run: { automationDetails: object }) => run.automationDetails))).toEqual(
      ['cart', 'web'].map(name => [{ id: `cg/${workshop.host}/bookstore/${name}/` }]),
    );
    const sarif = ci('sarif', '.cg/rescan');
    const refused = await cg(sarif, { ...plain, ...told, GITHUB_TOKEN: 'another' });
    expect([refused.code, refused.stderr.includes('FORGE_REFUSED')]).toEqual([3, true]);
    expect(refused.stderr).not.toContain('another');
    expect((await cg(sarif, plain)).code).toBe(2);
  });

  it('names what it could not verify, scans the others, and leaves with 4', async () => {
    const policy = readFileSync(join(work, 'policy.yaml'), 'utf8');
    const stranger = {
      ...JSON.parse(policy),
      identity: { subject: 'x@example.com', issuer: workshop.issuer },
    };
    writeFileSync(join(work, 'policy.yaml'), JSON.stringify(stranger));
    const rescan = (...more: readonly string[]) =>
      ci('rescan', '--deployed', '--verify-signatures', ...more, '--out', '.cg/strange', ...believe());
    const before = readFileSync(state(), 'utf8');
    const unsigned = await cg(rescan(), plain);
    expect([unsigned.code, unsigned.stdout]).toEqual([
      4,
      expect.stringContaining('nobody whom the policy believes signed it'),
    ]);
    const report = json('.cg/strange/rescan.json');
    expect(report.images.map(({ status }: { status: string }) => status)).toEqual(['deny', 'deny', 'deny']);
    expect(report.sarif).toEqual([]);
    const unlisted = await cg(rescan('--from-sbom'), plain);
    expect([unlisted.code, unlisted.stdout.includes('no SBOM by anybody')]).toEqual([4, true]);
    expect(readFileSync(state(), 'utf8')).toBe(before);
    writeFileSync(join(work, 'policy.yaml'), policy);
    const silent = mkdtempSync(join(workshop.folder, 'none-'));
    const unheard = await cg(rescan(), { ...plain, CG_DB: silent });
    expect([unheard.code, unheard.stdout.includes('no verdict')]).toEqual([3, true]);
    expect(readFileSync(state(), 'utf8')).toBe(before);
    expect((await cg(ci('rescan', '--out', '.cg/strange'), plain)).code).toBe(2);
    expect((await cg(rescan(), { ...plain, SIGSTORE_ID_TOKEN: 'x' })).code).toBe(2);
    expect(advisoriesOf(workshop)).not.toBe(silent);
  });
});

describe('the same on GitLab', () => {
  it('releases and scans again by the jobs of the generated pipeline', async () => {
    const git = new Git(work, { env: workshop.env });
    await git.run(['switch', '--quiet', 'main']);
    restore();
    await learnAdvisories(workshop, new Teller(() => {}), ['today']);
    await generatePipeline('gitlab', 'https://gitlab.com/bookstore/shop', 9);
    await runGitlab('merge');
    rmSync(join(work, '.cg/release.json'));
    expect(await runGitlab('release', { CI_COMMIT_TAG: 'v2.0.0' })).toEqual(['resolve', 'tag', 'bump']);
    for (const name of ['cart', 'web']) {
      expect(await tagged(name, 'v2.0.0')).toBe(released(name).split('@')[1]);
      expect(await overlay('staging')).toContain(`digest: ${released(name).split('@')[1]}`);
    }
    expect(await runGitlab('nightly')).toEqual(['rescan']);
    expect(json('.cg/rescan/rescan.json').images).toHaveLength(2);
  });
});
