import { formatPlatform, type Platform } from '../../../model/descriptor.ts';

/** The arguments that every builder defines for a platform. What runs the build is taken to be what it builds for: nothing is run. */
export function platformArguments(platform: Platform): Readonly<Record<string, string>> {
  const of = (prefix: string) => ({
    [`${prefix}PLATFORM`]: formatPlatform(platform),
    [`${prefix}OS`]: platform.os,
    [`${prefix}ARCH`]: platform.architecture,
    [`${prefix}VARIANT`]: platform.variant ?? '',
  });
  return { ...of('TARGET'), ...of('BUILD') };
}
