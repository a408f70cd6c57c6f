import { isDataFile, matchesPattern } from '@gram/data';
import { fetchUrl, type ResolveOptions, resolveDataset } from '@gram/model';

/** Callbacks and signal of the functions that fetch files. */
export type LocateOptions = Pick<ResolveOptions, 'onProgress' | 'onNote' | 'signal'>;

/**
 * Returns the local path of records, which are fetched if need be: `hf://datasets/owner/name@revision/path` names files of a data
 * set of the Hugging Face hub and `https://...` a file on the web; every other text is a path and is returned as it is.
 *
 * @throws {ModelError} the errors of `resolveDataset` and `fetchUrl`; the reason of `signal`
 */
export async function locateData(path: string, options: LocateOptions = {}): Promise<string> {
  const fetched =
    (await resolveDataset(path, { ...options, isReadable: isDataFile, matches: matchesPattern })) ??
    (await fetchUrl(path, { ...options, isReadable: isDataFile }));
  return fetched ?? path;
}
