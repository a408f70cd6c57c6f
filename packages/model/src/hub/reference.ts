import { quote } from '@gram/base';
import { ModelError } from '../error.js';
import { exists } from '../files/read.js';

/** A repository of the hub at a revision. */
export interface RepoReference {
  /** Kind of the repository. */
  readonly kind: 'model' | 'dataset';
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** A model of the hub: `owner/name`, `owner/name@revision`, `owner/name/file.gguf` or `owner/name/file.gguf@revision`. */
export interface HubReference extends RepoReference {
  readonly kind: 'model';
  /** The one GGUF file that was asked for. */
  readonly file: string | undefined;
}

const DEFAULT_REVISION = 'main';
const MAX_NAME = 96;
const MAX_REVISION = 200;

// The hub's own rules: these parts become folders of the cache and parts of addresses.
const namePattern = /^\w(?:[\w.-]*\w)?$/;
const ggufPattern = /^\w[\w.-]*\.gguf$/;
const revisionPattern = /^\w[\w.-]*(?:\/\w[\w.-]*)*$/;

function isName(text: string): boolean {
  return text.length <= MAX_NAME && namePattern.test(text) && !text.includes('--') && !text.includes('..');
}

function isRevision(text: string): boolean {
  return text.length <= MAX_REVISION && revisionPattern.test(text) && !text.includes('..');
}

/** Splits a text at the first `@`, because a revision may hold slashes of its own. */
function splitRevision(text: string): [id: string, revision: string] {
  const at = text.indexOf('@');
  return at === -1 ? [text, DEFAULT_REVISION] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Tells whether a text is meant as a path: it starts with `.`, `/` or `~`, holds a backslash, or has no slash or more than one.
 * Anything else may be a model of the hub, unless it exists.
 */
export function looksLikePath(text: string): boolean {
  const parts = splitRevision(text)[0].split('/');
  if (/^[./~]|^[A-Za-z]:|\\/.test(text)) return true;
  return parts.length === 3 ? !parts[2]?.endsWith('.gguf') : parts.length !== 2;
}

/**
 * Returns the model of the hub that a text names; undefined for a path, which is what exists or looks like one, see
 * `looksLikePath`.
 *
 * @throws {ModelError} `bad-request` when the text is neither
 */
export async function parseReference(text: string): Promise<HubReference | undefined> {
  // The operating system takes no path with a NUL.
  if (!text.includes('\0') && (await exists(text))) return undefined;
  const [id, revision] = splitRevision(text);
  const parts = id.split('/');
  if (looksLikePath(text)) return undefined;
  const [owner, name, file] = parts as [string, string, string?];
  const valid =
    isName(owner) &&
    isName(name) &&
    isRevision(revision) &&
    (file === undefined || (file.length <= MAX_NAME * 2 && ggufPattern.test(file)));
  if (!valid) {
    throw new ModelError(
      'bad-request',
      `${quote(text)} is no directory and no model of the hub`,
      'give the path of a directory, or owner/name, with @revision behind it if you want a certain one',
    );
  }
  return { kind: 'model', repo: `${owner}/${name}`, revision, file };
}

/** Files of a data set of the hub. */
export interface DatasetReference extends RepoReference {
  readonly kind: 'dataset';
  /** A file, a folder or a pattern of files in it; empty for all. */
  readonly path: string;
}

const DATASET = 'hf://datasets/';
/** Revisions of the hub itself with slashes, such as that of the Parquet files that it makes of each data set; else one name. */
const datasetPattern = /^([^/@]+)\/([^/@]+)(?:@(refs\/(?:convert\/\w+|pr\/\d+)|[^/]+))?(?:\/(.*))?$/;

/**
 * Returns the data set of the hub that a text names, as Python's `huggingface_hub` does: `hf://datasets/owner/name`, with
 * `@revision` behind it, and with the path of a file, of a folder or of a pattern. Undefined where it names none.
 *
 * @throws {ModelError} `bad-request` for a name that the hub cannot have
 */
export function parseDatasetReference(text: string): DatasetReference | undefined {
  if (!text.startsWith(DATASET)) return undefined;
  const [, owner = '', name = '', revision = DEFAULT_REVISION, path = ''] =
    datasetPattern.exec(text.slice(DATASET.length)) ?? [];
  const isInside = !path.includes('\\') && path.split('/').every((part) => part !== '..' && part !== '.');
  if (isName(owner) && isName(name) && isRevision(revision) && isInside) {
    return { kind: 'dataset', repo: `${owner}/${name}`, revision, path };
  }
  throw new ModelError(
    'bad-request',
    `${quote(text)} is no data set of the hub`,
    'write hf://datasets/owner/name, with @revision behind it if you want a certain one, and /path if not all files',
  );
}
