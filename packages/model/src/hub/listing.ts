/** A file as the hub lists it. */
export interface HubFile {
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Name of its blob in the cache, which the Python library takes from the `ETag`. */
  readonly blob: string;
  /** Kind of the hash of the content that is the name of the blob; undefined where the hub names it in another way. */
  readonly hash: 'sha256' | 'git' | undefined;
}

/** The files of a repository. */
export interface Listing {
  /** Those that are wanted, by their paths in it. */
  readonly files: ReadonlyMap<string, HubFile>;
  /** Whether it holds pickled weights. */
  readonly pickled: boolean;
}
