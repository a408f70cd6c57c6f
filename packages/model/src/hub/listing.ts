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

/** The top level of a repository. */
export interface Listing {
  /** Files whose names a model may have, see `isReadable`. */
  readonly files: ReadonlyMap<string, HubFile>;
  /** Whether it holds pickled weights. */
  readonly pickled: boolean;
}
