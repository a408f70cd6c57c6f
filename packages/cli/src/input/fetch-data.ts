import { locateData } from '@gram/train';
import type { Io } from '../command.js';
import { withDownload } from '../models/download.js';

/**
 * Returns the local path of records, which are fetched if need be, with a progress line: `hf://datasets/owner/name@revision/path`,
 * or `https://...`.
 *
 * @throws the errors of `locateData`
 */
export function fetchData(path: string, io: Io): Promise<string> {
  return withDownload(io, (options) => locateData(path, options));
}
