import type { Cataloguer, FileFindings, FoundPackage } from '../cataloguer.ts';
import { captureWhole, refuseFile } from '../readers/capture.ts';
import { refuse } from '../readers/refuse.ts';
import { readRpmHeader } from '../readers/rpm-header.ts';
import { SqliteFile } from '../readers/sqlite.ts';

const largest = 192 * 1024 * 1024;
const database =
  /(?:^|\/)(?:var\/lib|usr\/lib\/sysimage|usr\/share)\/rpm\/(rpmdb\.sqlite(?:-wal)?|Packages(?:\.db)?)$/;

/** RPM's package database, in SQLite as every current distribution has it; the older kinds are refused by name. */
export const rpm: Cataloguer = {
  id: 'rpm',
  open(file) {
    const name = database.exec(file.path)?.[1];
    switch (name) {
      case undefined:
        return undefined;
      case 'rpmdb.sqlite':
        return captureWhole(file, largest, readDatabase);
      case 'rpmdb.sqlite-wal':
        // Changes that are not in the database itself: what it lists is not what is installed.
        return file.size === 0 ? undefined : refuseFile('holds changes that are not in the RPM database yet');
      case 'Packages.db':
        return refuseFile('is an RPM database of the kind ndb (SUSE), which is not read yet');
      default:
        return refuseFile('is an RPM database of the kind Berkeley DB (before 2021), which is not read yet');
    }
  },
};

export function readDatabase(bytes: Buffer): FileFindings {
  const rows = new SqliteFile(bytes).rows('Packages');
  if (rows === undefined) throw refuse('no RPM database: it has no table Packages');
  const packages: FoundPackage[] = [];
  for (const [, blob] of rows) {
    if (!Buffer.isBuffer(blob)) throw refuse('an RPM database with a row that is no header');
    const found = readRpmHeader(blob);
    if (found !== undefined) packages.push(found);
  }
  return { database: true, packages };
}
