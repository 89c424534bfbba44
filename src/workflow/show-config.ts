import { readSettings, type Setting, type SettingsInput } from '../config/settings.ts';

/** Every setting with its value and where it comes from. */
export async function showConfig(input: SettingsInput): Promise<{ settings: readonly Setting[] }> {
  return { settings: await readSettings(input) };
}
