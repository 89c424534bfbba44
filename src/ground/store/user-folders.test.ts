import { describe, expect, it } from 'vitest';
import { cacheFolder, configFolder, dataFolder, sharedCache } from './user-folders.ts';

describe('the folders of a user', () => {
  it('are those that the variables name', () => {
    const env = { HOME: '/home/me', XDG_DATA_HOME: '/d', XDG_CONFIG_HOME: '/c', XDG_CACHE_HOME: '/k' };
    expect([dataFolder(env), configFolder(env), cacheFolder(env), sharedCache(env)]).toEqual([
      '/d/cascadeguard',
      '/c/cascadeguard',
      '/k/cascadeguard',
      '/k',
    ]);
  });

  it.each([{}, { XDG_DATA_HOME: '' }, { XDG_DATA_HOME: 'relative' }])('lie below the home with %j', more => {
    expect(dataFolder({ HOME: '/home/me', ...more })).toBe('/home/me/.local/share/cascadeguard');
  });
});
