import { readSettings } from '../../config/settings.ts';
import type { Environment } from '../../ground/http/proxy.ts';
import { parseDuration } from '../../model/duration.ts';
import { readSeverity } from '../../model/severity.ts';
import type { ScanPolicy } from '../../risk/scan/policy.ts';

/** What the project's and the user's files say about scans; a flag says it louder. */
export async function readScanSettings(o: {
  readonly cwd: string;
  readonly env: Environment;
}): Promise<{ readonly policy: Partial<ScanPolicy>; readonly waiversFile?: string }> {
  const settings = new Map((await readSettings(o)).map(({ key, value }) => [key, value]));
  const text = (key: string): string | undefined => {
    const value = settings.get(`scan.${key}`);
    return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined;
  };
  const [require, severity, blockOn, age, waiversFile] = [
    'require',
    'severity',
    'blockOn',
    'maxDbAge',
    'waivers',
  ].map(text);
  const maxDbAge = age === undefined ? undefined : parseDuration(age);
  return {
    policy: {
      ...(require !== undefined && { requireEngines: Number(require[0]) }),
      ...(severity !== undefined && { threshold: readSeverity(severity) }),
      ...(blockOn !== undefined && { blockOn: blockOn === 'all' ? 'all' : 'any' }),
      ...(maxDbAge !== undefined && 'value' in maxDbAge && { maxDbAge: maxDbAge.value }),
      ...(text('independent') !== undefined && { independent: text('independent') === 'true' }),
      ...(text('fixableOnly') !== undefined && { fixableOnly: text('fixableOnly') === 'true' }),
    },
    ...(waiversFile !== undefined && { waiversFile }),
  };
}
