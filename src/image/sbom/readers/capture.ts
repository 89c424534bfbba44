import type { CandidateFile, FileFindings, FileReader } from '../cataloguer.ts';
import { refuse } from './refuse.ts';

/** A reader that keeps the whole file and looks at it in the end; a file over the limit is refused, not cut. */
export function captureWhole(
  file: CandidateFile,
  limit: number,
  look: (bytes: Buffer) => FileFindings,
): FileReader {
  if (file.size > limit) return refuseFile(`is larger than ${limit} bytes and was not read`);
  const bytes = Buffer.allocUnsafe(file.size);
  let filled = 0;
  return {
    write(piece) {
      if (filled + piece.length > bytes.length) throw refuse('the file grew while it was read');
      bytes.set(piece, filled);
      filled += piece.length;
    },
    end: () => look(bytes.subarray(0, filled)),
  };
}

/** For files that are known but cannot be read: their content is unknown, and that is said. */
export function refuseFile(message: string): FileReader {
  return { write: () => undefined, end: () => ({ problems: [message] }) };
}
