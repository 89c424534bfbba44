import * as z from 'zod';
import { choice, duration, innerPath, mapping, shorthand, text, truth, words } from './text-types.ts';

const Hook = mapping({ path: innerPath(), registries: z.array(text()).optional() });

const Tagging = mapping({
  stateRepo: truth().optional(),
  sourceRepo: truth().optional(),
  sourceRepoSecret: text().optional(),
});

/** `.cascadeguard.yaml`: everything about a repository that is not the list of its images. */
export const ProjectFile = mapping({
  defaults: mapping({
    registry: text().optional(),
    repository: text().optional(),
    local: mapping({ dir: innerPath().optional() }).optional(),
  })
    .describe('used only where an image says nothing itself')
    .optional(),
  ci: mapping({
    platform: choice('github', 'gitlab').optional(),
    layout: choice('cg', 'classic').optional(),
    image: text()
      .describe('what jobs on GitLab run in, by digest: Node.js, npm, git; cli.image without it')
      .optional(),
    test: words()
      .describe('program and arguments that test an image, in the folder of its context')
      .optional(),
    testEnv: z
      .array(text())
      .describe('variables that a test sees although their names look like those of credentials')
      .optional(),
    tagLatest: truth().describe('a release is also tagged latest').optional(),
    shared: z
      .array(
        mapping({
          paths: z.array(innerPath()).describe('as in .dockerignore, from the folder of images.yaml'),
          images: z
            .array(text())
            .describe('whose builds or tests need them; all of them without it')
            .optional(),
        }),
      )
      .describe('files outside of the contexts; a file that belongs to nobody rebuilds all in a pull request')
      .optional(),
  }).optional(),
  quarantine: shorthand('period', {
    period: duration().optional(),
    select: choice('newest-eligible', 'current').optional(),
    deny: z.array(text()).optional(),
  })
    .describe('how long a new digest of a third-party base waits')
    .optional(),
  check: mapping({
    state: mapping({ destination: choice('main', 'pr', 'none').optional() }).optional(),
    promote: shorthand('enabled', {
      enabled: truth().optional(),
      destination: choice('pr', 'main', 'none').optional(),
    }).optional(),
    allowUnreachable: truth().optional(),
    tags: mapping({ scope: choice('same-major', 'all').optional() }).optional(),
  }).optional(),
  tagging: Tagging.optional(),
  hooks: mapping({
    'post-image-check': z.array(Hook).optional(),
    'post-run': z.array(Hook).optional(),
  }).optional(),
  tools: mapping({
    check: mapping({
      registries: mapping({ github: mapping({ token_env: text().optional() }).optional() }).optional(),
    }).optional(),
  }).optional(),
  cli: mapping({
    version: text().optional(),
    image: text().optional(),
    exitCodes: choice('legacy').optional(),
  }).optional(),
  git: mapping({
    author: text().optional(),
    remote: text().optional(),
    baseBranch: text().optional(),
  }).optional(),
  scan: mapping({
    require: choice('1-engine', '2-engines', '3-engines')
      .describe('how many engines must have looked')
      .optional(),
    independent: truth().describe('with as many different advisory databases').optional(),
    severity: choice('negligible', 'low', 'medium', 'high', 'critical')
      .describe('what blocks, from here up')
      .optional(),
    fixableOnly: truth().describe('block only what has a fix').optional(),
    blockOn: choice('any', 'all').describe('how many engines must say it').optional(),
    maxDbAge: duration().describe('older advisories count as none').optional(),
    waivers: innerPath().describe('file of accepted risks').optional(),
  })
    .describe('what a scan must show before it allows an image')
    .optional(),
  gitops: mapping({
    repository: text()
      .describe('where the environments are described; that of this folder without it')
      .optional(),
    branch: text().optional(),
    application: text().describe('names the projects and applications of Argo CD').optional(),
    environments: z
      .record(
        z.string(),
        mapping({
          path: innerPath().describe('folder of its kustomization'),
          from: text().describe('the environment that an image must have passed before').optional(),
          soak: duration().describe('how long it must have been there').optional(),
          server: text()
            .describe('the API of its cluster; the one that Argo CD runs in without it')
            .optional(),
          namespace: text().describe('that of its kustomization without it').optional(),
          policy: innerPath().describe('what an image must prove to come here').optional(),
          promotion: innerPath().describe('the same, with what policy.yaml cannot say').optional(),
        }),
      )
      .optional(),
  })
    .describe('environments in Git, in the order in which images pass through them')
    .optional(),
  kargo: mapping({
    namespace: text().describe('the project, and the namespace that it owns').optional(),
    gateURL: text().describe('answers before each commit whether an image may come').optional(),
  }).optional(),
  argocd: mapping({
    namespace: text().describe('where Argo CD runs; argocd without it').optional(),
    serviceAccount: text().describe('whom syncs run as, where Argo CD impersonates').optional(),
  }).optional(),
  registries: z
    .record(
      z.string(),
      mapping({
        insecure: truth().describe('plain http, or https with any certificate').optional(),
        ca: text().describe('PEM file of a private certificate authority').optional(),
      }),
    )
    .describe('how to reach a registry, by host[:port]')
    .optional(),
});
export type ProjectFile = z.infer<typeof ProjectFile>;
