import { readSettings, type Setting, type SettingsInput } from '../config/settings.ts';

/** Every setting with its value and where it comes from. */
export async function showConfig(input: SettingsInput): Promise<{ settings: readonly Setting[] }> {
  return { settings: await readSettings(input) };
}

/** Pipelines that were written for the older tool count exit codes as it did. */
export async function usesLegacyExitCodes(input: Pick<SettingsInput, 'cwd' | 'env'>): Promise<boolean> {
  const settings = await readSettings(input);
  return settings.some(({ key, value }) => key === 'cli.exitCodes' && value === 'legacy');
}
