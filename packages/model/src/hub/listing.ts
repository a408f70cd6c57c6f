/** A file as the hub lists it. */
export interface HubFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Name of its blob in the cache: what the Python library takes from the `ETag`. */
  readonly blob: string;
  /** How the content makes the name of the blob; undefined where the hub names it otherwise. */
  readonly hash: 'sha256' | 'git' | undefined;
}

/** The top level of a repository. */
export interface Listing {
  /** Those with names that a model may have, see `isReadable`. */
  readonly files: ReadonlyMap<string, HubFile>;
  /** Whether it holds pickled weights. */
  readonly pickled: boolean;
}
