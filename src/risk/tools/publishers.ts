import type { LockedTool } from './lock.ts';

/** The programs that cg may run, and who signs their releases where that is documented. */
export const lockableTools = ['trivy', 'grype'] as const;
export type LockableTool = (typeof lockableTools)[number];

/** https://trivy.dev/docs/latest/getting-started/signature-verification: since 0.68.1, one bundle for each asset. */
export function knownPublisher(tool: LockableTool, version: string): LockedTool['identity'] {
  if (tool !== 'trivy') return undefined;
  return {
    issuer: 'https://token.actions.githubusercontent.com',
    san: `https://github.com/aquasecurity/trivy/.github/workflows/reusable-release.yaml@refs/tags/v${version}`,
  };
}

/** The version in the name of a release file: trivy_0.74.0_Linux-64bit.tar.gz. */
export function versionInName(file: string): string | undefined {
  return /(?:^|[_-])v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?)(?=[_.-]|$)/.exec(file)?.[1];
}
