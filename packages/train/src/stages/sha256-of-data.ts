import { sha256OfFile, sha256OfValue } from '@gram/base';
import { dataFiles } from '@gram/data';

/** Hashes a file of records; for several, hashes their hashes. */
export async function sha256OfData(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hashes: string[] = [];
  for (const file of await dataFiles(path)) hashes.push(await sha256OfFile(file, signal));
  const [only] = hashes;
  return only !== undefined && hashes.length === 1 ? only : sha256OfValue(hashes);
}
