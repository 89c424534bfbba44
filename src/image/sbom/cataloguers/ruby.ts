import type { Cataloguer, FoundPackage } from '../cataloguer.ts';
import { captureWhole } from '../readers/capture.ts';
import { refuse } from '../readers/refuse.ts';

const largest = 4 * 1024 * 1024;

/** Installed gems: RubyGems writes their specifications as Ruby source. */
export const ruby: Cataloguer = {
  id: 'ruby',
  open(file) {
    if (!/(?:^|\/)specifications\/(?:.*\/)?[^/]+\.gemspec$/.test(file.path)) return undefined;
    return captureWhole(file, largest, bytes => ({ packages: [readGemspec(bytes.toString('utf8'))] }));
  },
};

export function readGemspec(text: string): FoundPackage {
  const stub = /^# stub: (\S+) (\S+)/m.exec(text);
  const name = stub?.[1] ?? readText(text, 'name');
  const version = stub?.[2] ?? readText(text, 'version');
  if (name === undefined || version === undefined) throw refuse('a gemspec without name or version');
  const licenses = readLicences(text);
  return { type: 'gem', name, version, ...(licenses.length > 0 && { licenses }) };
}

/** `s.name = "rake".freeze`, `s.version = Gem::Version.new("13.0.6")`. */
function readText(text: string, field: string): string | undefined {
  const pattern = new RegExp(
    `^[ \\t]*\\w+\\.${field}[ \\t]*=[ \\t]*(?:Gem::Version\\.new[ (]?)?["']([^"'\\n]{1,200})["']`,
    'm',
  );
  return pattern.exec(text)?.[1];
}

function readLicences(text: string): string[] {
  const list = /^[ \t]*\w+\.licenses?[ \t]*=[ \t]*(.{1,500})$/m.exec(text)?.[1] ?? '';
  return [...list.matchAll(/["']([^"'\n]{1,100})["']/g)].map(match => match[1] ?? '');
}
