import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Git } from '../../src/delivery/git/git.ts';
import { githubClaims } from '../../src/trust/attest/local-sigstore/identity/development-identity.ts';
import { mintOffline } from '../../src/trust/attest/local-sigstore/identity/mint-offline.ts';
import { advisoriesOf } from '../../src/workflow/up/story/chapters/release-services.ts';
import { commitAndPush, workflows } from '../../src/workflow/up/story/workshop.ts';
import { rootFlags } from '../cosign.ts';
import { findPeer } from '../peers.ts';
import {
  believe,
  build,
  cg,
  ci,
  closeLine,
  deliver,
  type Env,
  expectPinned,
  generatePipeline,
  job,
  json,
  local,
  ok,
  openLine,
  overlay,
  perImage,
  plain,
  plan,
  readWorkflow,
  runGithubJob,
  runGithubMerge,
  runGitlab,
  scan,
  shop,
  sign,
  startJob,
  useJob,
  work,
  workshop,
} from './line.ts';

beforeAll(openLine, 60_000);
afterAll(closeLine);

describe('the line from a commit to an environment', () => {
  it('builds, scans and gates a pull request without any credential, into a folder', async () => {
    const env = { PATH: process.env['PATH'], HOME: workshop.env['HOME'], CG_DB: advisoriesOf(workshop) };
    const test = await ok(ci('test', 'web'), env);
    expect(test.status).toBe('passed');
    await ok(ci('build', 'web', '--oci-layout', '.cg/oci', '--out', '.cg/build.json'), env);
    await ok(ci('scan', '@.cg/build.json', '--image', 'web', '--sbom', '--out', '.cg/scan-pr'), env);
    const gated = await ok(ci('gate', '@.cg/build.json', '--scan', '.cg/scan-pr'), env);
    expect(gated.status).toBe('allow');
    const changed = await ok(ci('plan', '--event', 'pr', '--base', 'HEAD~1'), env);
    expect(changed.images).toEqual(['cart', 'web']);
  });

  it('carries two images from a merge on GitHub to the overlay, by digest and with proof', async () => {
    expect(await plan()).toEqual(['cart', 'web']);
    for (const name of ['cart', 'web']) {
      await ok(ci('test', name), plain);
      await build(name);
      await scan(name);
      await sign(name);
    }
    await deliver(['cart', 'web']);
    const text = await overlay();
    for (const name of ['cart', 'web']) {
      const { ref, commit } = json(`.cg/results/${name}.json`);
      expect(commit).toBe(shop.commit);
      expect(text).toContain(`digest: ${ref.split('@')[1]}`);
      const who = ['--identity', workflows.github, '--issuer', workshop.issuer];
      const types = ['slsaprovenance1', 'spdxjson', 'cyclonedx', 'vuln'].flatMap(type => ['--type', type]);
      await ok(['verify', ref, ...who, ...types, ...believe()], plain);
    }
  });

  it.skipIf(findPeer('cosign3') === undefined)('is verified by cosign [needs cosign3]', async () => {
    const { run } = await import('../../src/ground/process/run.ts');
    const { ref } = json('.cg/results/web.json');
    const { code, stderr } = await run({
      program: findPeer('cosign3') ?? '',
      args: [
        'verify-attestation',
        '--type',
        'slsaprovenance1',
        ...rootFlags({ data: workshop.sigstore }),
        '--certificate-identity',
        workflows.github,
        '--certificate-oidc-issuer',
        workshop.issuer,
        ref,
      ],
      env: { HOME: workshop.folder, PATH: '', HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1' },
      timeLimit: 30_000,
    });
    expect({ code, stderr: code === 0 ? '' : stderr.toString() }).toEqual({ code: 0, stderr: '' });
  });

  it('then finds nothing to do, and after a change exactly that image, on GitLab', async () => {
    expect(await plan()).toEqual([]);
    writeFileSync(join(work, 'README.md'), 'Nothing that is built.\n');
    writeFileSync(join(work, 'services/cart/server.js'), '// another cart\n');
    const commit = await commitAndPush(workshop, work, shop.remote, 'Change the cart');
    await startJob('gitlab', commit, 2);
    expect(await plan()).toEqual(['cart']);
    rmSync(join(work, '.cg/results'), { recursive: true });
    await build('cart');
    // A run that failed here has published nothing, and so skips nothing.
    expect(await plan()).toEqual(['cart']);
    await scan('cart');
    await sign('cart');
    await deliver(['cart']);
    expect(await overlay()).toContain(`digest: ${json('.cg/results/cart.json').ref.split('@')[1]}`);
    expect(await plan()).toEqual([]);
    // A run whose last job failed is made good by the next one, which has nothing to build.
    rmSync(join(work, '.cg/results'), { recursive: true });
    const { kept } = json('.cg/plan.json');
    expect(kept.map(({ image }: { image: string }) => image)).toEqual(['cart', 'web']);
    expect((await deliver([], kept)).changes).toEqual([]);
  });

  it('believes no provenance of somebody else: then it builds', async () => {
    const policy = { identity: { subject: 'somebody@example.com', issuer: workshop.issuer } };
    writeFileSync(join(work, '.cg/other.yaml'), JSON.stringify(policy));
    const words = ci('plan', '--event', 'merge', '--policy', '.cg/other.yaml', ...believe());
    const { images, decisions } = await ok(words, plain);
    expect(images).toEqual(['cart', 'web']);
    for (const { reason } of decisions) expect(reason).toContain('by anybody whom the policy believes');
    // What runs already is not judged again: the next merge must not fail of a scan that grew old.
    const bump = ci('bump', '--release', '.cg/release.json', '--stage', 'dev', ...believe());
    expect((await ok([...bump, '--policy', '.cg/other.yaml'], plain)).changes).toEqual([]);
  });

  it('keeps nothing that was built from a commit of another history, or of one that it cannot see', async () => {
    const planIn = async (built: readonly string[], ...more: readonly string[]): Promise<string> => {
      const folder = mkdtempSync(join(workshop.folder, 'history-'));
      const git = new Git(folder, { env: workshop.env });
      await git.run(['clone', '--quiet', ...more, `file://${work}`, '.']);
      if (more.length === 0) {
        await git.run(['checkout', '--quiet', '--orphan', 'another']);
        const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.com'];
        await git.run([...author, 'commit', '--quiet', '-m', 'Begin anew']);
      }
      const { code, stdout } = await cg(
        ci('plan', '--event', 'merge', ...believe(), '--output', 'json'),
        plain,
        folder,
      );
      const { images, decisions } = JSON.parse(stdout);
      expect({ code, images }).toEqual({ code: 0, images: built });
      return decisions.map(({ reason }: { reason: string }) => reason).join();
    };
    expect(await planIn(['cart', 'web'])).toContain('which is not in the history of this checkout');
    // The cart is of the commit that is there, and so is kept.
    expect(await planIn(['web'], '--depth', '1')).toContain('too shallow');
  });

  it('signs no record of a build that says what its checkout does not bear out', async () => {
    const path = join(work, '.cg/build/cart.json');
    const honest = readFileSync(path, 'utf8');
    const attest = ci('attest', '@.cg/build/cart.json', '--scan', '.cg/scan/cart', '--local', ...local());
    for (const change of [
      { inputs: json('.cg/build/web.json').record.inputs },
      { bases: [] },
      { startedOn: '2020-01-01T00:00:00Z', finishedOn: '2020-01-01T00:00:01Z' },
    ]) {
      const { record, ...rest } = JSON.parse(honest);
      writeFileSync(path, JSON.stringify({ ...rest, record: { ...record, ...change } }));
      const { code, stderr } = await cg(attest, job);
      expect({ code, says: stderr.includes('BUILD_UNTRUSTED') }).toEqual({ code: 4, says: true });
    }
    const { record, ...rest } = JSON.parse(honest);
    writeFileSync(
      path,
      JSON.stringify({ ...rest, record: { ...record, digest: `sha256:${'a'.repeat(64)}` } }),
    );
    const other = await cg(attest, job);
    expect({ code: other.code, says: other.stderr.includes('is about another image') }).toEqual({
      code: 2,
      says: true,
    });
    // A build of something else that claims to be this: the next plan would skip what was never built.
    const file = join(work, 'services/cart/server.js');
    const text = readFileSync(file, 'utf8');
    writeFileSync(path, honest);
    writeFileSync(file, '// what the commit does not have\n');
    const { code, stderr } = await cg(attest, job);
    expect({ code, says: stderr.includes('a file of the context') }).toEqual({ code: 4, says: true });
    writeFileSync(file, text);
  });

  it('stops a flaw that has a fix at the gate, whatever the scan says of itself', async () => {
    const env = { ...plain, IMAGES_YAML: 'all.yaml' };
    await ok(ci('build', 'catalog', '--push-by-digest', '--out', '.cg/build/catalog.json'), env);
    const ref = '@.cg/build/catalog.json';
    await ok(ci('scan', ref, '--image', 'catalog', '--sbom', '--out', '.cg/scan/catalog'), env);
    const gate = async () => await cg(ci('gate', ref, '--scan', '.cg/scan/catalog'), job);
    const denied = await gate();
    expect(denied.code).toBe(1);
    expect(denied.stdout).toContain('CVE-2024-6119');
    const index = join(work, '.cg/scan/catalog/scan.json');
    const folder = JSON.parse(readFileSync(index, 'utf8'));
    expect(folder.status).toBe('deny');
    writeFileSync(index, JSON.stringify({ ...folder, status: 'allow' }));
    expect((await gate()).code).toBe(1);
    for (const { runs } of folder.images) for (const { report } of runs) if (report) report.findings = [];
    writeFileSync(index, JSON.stringify({ ...folder, status: 'allow' }));
    expect((await gate()).code).toBe(1);
    // The scan of another image under this one's name, and an SBOM that was exchanged.
    cpSync(join(work, '.cg/scan/web'), join(work, '.cg/scan/exchanged'), { recursive: true });
    const attest = async () =>
      await cg(ci('attest', ref, '--scan', '.cg/scan/exchanged', '--local', ...local()), job);
    expect((await attest()).code).toBe(2);
    const other = JSON.parse(readFileSync(join(work, '.cg/scan/exchanged/scan.json'), 'utf8'));
    const file = join(work, '.cg/scan/exchanged/scan.json');
    writeFileSync(file, JSON.stringify({ ...other, ref: json('.cg/build/catalog.json').ref }));
    expect((await attest()).code).toBe(4);
    const sbom = readdirSync(join(work, '.cg/scan/web')).find(name => name.endsWith('.cdx.json')) ?? '';
    writeFileSync(join(work, '.cg/scan/web', sbom), '{}');
    expect((await cg(ci('gate', '@.cg/build/web.json', '--scan', '.cg/scan/web'), job)).code).toBe(4);
  });

  it('proves an index and every platform in it, and gates none of which a platform was not scanned', async () => {
    const entry = {
      name: 'tools',
      registry: workshop.host,
      repository: 'bookstore/tools',
      dockerfile: 'tools/Dockerfile',
      context: 'tools',
      build: { platforms: ['linux/amd64', 'linux/arm64'] },
    };
    writeFileSync(join(work, 'tools.yaml'), JSON.stringify([entry]));
    const platforms = ['--platform', 'linux/amd64', '--platform', 'linux/arm64'];
    const upstream = join(workshop.example, 'upstream/alpine-1');
    const base = await ok(
      ['build', upstream, '--to', `${workshop.host}/upstream/tools`, ...platforms],
      plain,
    );
    mkdirSync(join(work, 'tools'));
    writeFileSync(join(work, 'tools/Dockerfile'), `FROM ${base.image}\nCOPY Dockerfile /\n`);
    const before = { plain, job };
    const named = { IMAGES_YAML: 'tools.yaml' };
    useJob({ plain: { ...plain, ...named }, job: { ...job, ...named } });
    await build('tools');
    await scan('tools');
    await sign('tools');
    expect(json('.cg/results/tools.json').platforms).toEqual(['linux/amd64', 'linux/arm64']);
    const index = join(work, '.cg/scan/tools/scan.json');
    const folder = JSON.parse(readFileSync(index, 'utf8'));
    writeFileSync(index, JSON.stringify({ ...folder, images: folder.images.slice(1) }));
    const gate = ci('gate', '@.cg/build/tools.json', '--scan', '.cg/scan/tools');
    expect((await cg(gate, job)).code).toBe(4);
    useJob(before);
    // What no environment runs is left out and named; a release of which none is run is a mistake.
    const refs = ['tools', 'cart'].map(name => json(`.cg/build/${name}.json`).ref as string);
    const bump = ci('bump', '--release', '.cg/release.json', '--stage', 'dev', ...believe());
    const two = `${refs[1]?.split('@')[0]}@sha256:${'a'.repeat(64)}`;
    const release = (images: readonly string[]) =>
      writeFileSync(join(work, '.cg/release.json'), JSON.stringify({ images: images.map(ref => ({ ref })) }));
    release(refs);
    expect((await ok(bump, plain)).absent).toEqual([refs[0]]);
    release(refs.slice(0, 1));
    expect((await cg(bump, plain)).code).toBe(2);
    release([...refs, two]);
    const twice = await cg(bump, plain);
    expect({ code: twice.code, says: twice.stderr.includes('two digests of') }).toEqual({
      code: 4,
      says: true,
    });
  });

  it('gives no tag to what nobody vouches for, or what was built from another commit', async () => {
    const env = { ...job, IMAGES_YAML: 'all.yaml' };
    const publish = (name: string, more: Env) =>
      cg(ci('publish', `@.cg/build/${name}.json`, '--image', name, ...believe()), { ...env, ...more });
    expect((await publish('catalog', {})).code).toBe(1);
    const other = { CI_COMMIT_SHA: '0123456789abcdef0123456789abcdef01234567' };
    const ref = '@.cg/build/cart.json';
    const verify = await cg(ci('verify', ref, ...believe()), { ...job, ...other });
    expect(verify.code).toBe(1);
    expect(verify.stdout).toContain('slsa_source_correlated');
    expect((await publish('cart', other)).code).toBe(1);
  });

  it('collects no digest that is of another commit, that nobody vouches for, or without a policy', async () => {
    const env = { ...plain, IMAGES_YAML: 'all.yaml' };
    const results = join(work, '.cg/others');
    mkdirSync(results, { recursive: true });
    const collect = async (image: string, ref: string, more: Env = {}, kept = false) => {
      writeFileSync(join(results, 'one.json'), JSON.stringify({ image, ref }));
      if (kept) rmSync(join(results, 'one.json'));
      const what = kept
        ? ['--expect', '[]', '--kept', JSON.stringify([{ image, ref }])]
        : ['--expect', JSON.stringify([image])];
      return (
        await cg(ci('collect', ...what, '--results', '.cg/others', '--verify', ...believe()), {
          ...env,
          ...more,
        })
      ).code;
    };
    const ref = (name: string): string => json(`.cg/build/${name}.json`).ref;
    expect(await collect('cart', ref('cart'))).toBe(0);
    const other = { CI_COMMIT_SHA: '0123456789abcdef0123456789abcdef01234567' };
    expect(await collect('cart', ref('cart'), other)).toBe(1);
    // What is kept is of an earlier commit; believed it must be all the same.
    expect(await collect('cart', ref('cart'), other, true)).toBe(0);
    expect(await collect('catalog', ref('catalog'))).toBe(1);
    expect(await collect('catalog', ref('catalog'), {}, true)).toBe(1);
    const missing = `${ref('cart').split('@')[0]}@sha256:${'a'.repeat(64)}`;
    expect(await collect('cart', missing)).toBe(1);
    const own = ['policy.yaml', 'promotion.yaml'].map(name => [name, readFileSync(join(work, name), 'utf8')]);
    // A scan that grew old stops what was built now, and not what was published before.
    const strict = own[1]?.[1]?.replace('maxAge: 24h', 'maxAge: 0m') ?? '';
    writeFileSync(join(work, 'promotion.yaml'), strict);
    expect(await collect('cart', ref('cart'))).toBe(1);
    expect(await collect('cart', ref('cart'), {}, true)).toBe(0);
    for (const [name = ''] of own) rmSync(join(work, name));
    expect(await collect('cart', ref('cart'))).toBe(2);
    for (const [name = '', text = ''] of own) writeFileSync(join(work, name), text);
  });

  it('refuses a job with a credential that it must not have, and a release with a leg that was lost', async () => {
    for (const words of [ci('build', 'web', '--push-by-digest'), ci('test', 'web')])
      expect((await cg(words, job)).code).toBe(2);
    const scanning = ci('scan', '@.cg/build/web.json', '--image', 'web', '--out', '.cg/never');
    expect((await cg(scanning, job)).code).toBe(2);
    expect(existsSync(join(work, '.cg/never'))).toBe(false);
    const workflow = 'bookstore/shop/.github/workflows/release.yml@refs/heads/feature';
    const stranger = await mintOffline(
      workshop.sigstore,
      githubClaims({ repository: 'bookstore/shop', job_workflow_ref: workflow }),
    );
    const unwanted = { ...job, SIGSTORE_ID_TOKEN: stranger };
    const signing = await cg(ci('sign', '@.cg/build/web.json', '--local', ...local()), unwanted);
    expect(signing.code).toBe(4);
    expect(signing.stderr).toContain('refs/heads/feature');
    mkdirSync(join(work, '.cg/results'), { recursive: true });
    const collect = ci('collect', '--expect', '["cart","web"]', '--results', '.cg/results');
    expect((await cg(collect, plain)).code).toBe(4);
    const bump = ci('bump', '--release', '.cg/release.json', '--stage', 'dev', '--mode', 'pr', ...believe());
    const refused = await cg(bump, plain);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--mode commit');
  });

  it('runs as the pipeline that is generated for GitLab says, with the policy that comes with it', async () => {
    const restore = await generatePipeline('gitlab', 'https://gitlab.com/bookstore/shop', 3);
    expect(await runGitlab('merge')).toEqual([...perImage, ...perImage, 'collect', 'bump']);
    await expectPinned(['cart', 'web']);
    restore();
  });

  it('runs as the workflows that are generated for GitHub say', async () => {
    const restore = await generatePipeline('github', 'https://github.com/bookstore/shop', 4);
    expect(await runGithubMerge()).toEqual(['plan', ...perImage, ...perImage, 'collect', 'bump']);
    await expectPinned(['cart', 'web']);
    // Nothing changed since: nothing is built, and what runs already is delivered once more.
    const merge = readWorkflow('merge');
    const again = await runGithubJob(merge['plan'], {}, []);
    expect([again['images'], again['any']]).toEqual(['[]', 'false']);
    rmSync(join(work, '.cg/results'), { recursive: true });
    const unchanged = { 'needs.plan.outputs.images': '[]', 'needs.plan.outputs.kept': again['kept'] ?? '' };
    await runGithubJob(merge['bump'], unchanged, []);
    restore();
  });
});
