import type { Cataloguer, FileFindings, FoundPackage } from '../cataloguer.ts';
import { readBerkeleyHash } from '../readers/berkeley-hash.ts';
import { captureWhole, refuseFile } from '../readers/capture.ts';
import { readNdb } from '../readers/ndb.ts';
import { refuse } from '../readers/refuse.ts';
import { readRpmHeader } from '../readers/rpm-header.ts';
import { SqliteFile } from '../readers/sqlite.ts';

const largest = 192 * 1024 * 1024;
const database =
  /(?:^|\/)(?:var\/lib|usr\/lib\/sysimage|usr\/share)\/rpm\/(rpmdb\.sqlite(?:-wal)?|Packages(?:\.db)?)$/;

/** RPM's package database, in the three kinds that it has had: SQLite, ndb and Berkeley DB. */
export const rpm: Cataloguer = {
  id: 'rpm',
  open(file) {
    const name = database.exec(file.path)?.[1];
    switch (name) {
      case undefined:
        return undefined;
      case 'rpmdb.sqlite':
        return captureWhole(file, largest, bytes => readHeaders(readSqlite(bytes)));
      case 'rpmdb.sqlite-wal':
        // Changes that are not in the database itself: what it lists is not what is installed.
        return file.size === 0 ? undefined : refuseFile('holds changes that are not in the RPM database yet');
      case 'Packages.db':
        return captureWhole(file, largest, bytes => readHeaders(readNdb(bytes)));
      default:
        return captureWhole(file, largest, bytes => readHeaders(readBerkeleyHash(bytes)));
    }
  },
};

function readHeaders(headers: Iterable<Buffer>): FileFindings {
  const packages: FoundPackage[] = [];
  for (const header of headers) {
    const found = readRpmHeader(header);
    if (found !== undefined) packages.push(found);
  }
  return { database: true, packages };
}

function* readSqlite(bytes: Buffer): Generator<Buffer> {
  const rows = new SqliteFile(bytes).rows('Packages');
  if (rows === undefined) throw refuse('no RPM database: it has no table Packages');
  for (const [, blob] of rows) {
    if (!Buffer.isBuffer(blob)) throw refuse('an RPM database with a row that is no header');
    yield blob;
  }
}
