import { printable } from './printable.js';

/** A fault that a schema found at one place of a value, as zod reports it. */
export interface SchemaIssue {
  /** Keys and indices that lead to the place; empty for the whole value. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Kind of the issue. For `unrecognized_keys` the first of `keys` is part of the place. */
  readonly code?: string | undefined;
  readonly keys?: readonly string[] | undefined;
}

const MAX_ISSUES = 5;
const MAX_CHARACTERS = 300;

/**
 * Describes what a schema found wrong on one line: at most five issues, each as `path: message`, and how many more there
 * are. Keys of the value are part of the paths, so control characters are shown as escapes, and the description of an
 * issue is cut after 300 characters.
 *
 * @param whole name of the value as a whole; without it an issue of the whole value has no path
 *
 * @example
 * ```ts
 * const result = schema.safeParse(value);
 * if (!result.success) throw new Error(describeIssues(result.error.issues));
 * // "data.files[0].weight: expected number, received string"
 * ```
 */
export function describeIssues(issues: readonly SchemaIssue[], whole = ''): string {
  const described = issues.slice(0, MAX_ISSUES).map((issue) => {
    const place = issuePath(issue) || whole;
    const message = issueMessage(issue);
    return shortLine(place === '' ? message : `${place}: ${message}`);
  });
  const more = issues.length - described.length;
  return [...described, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Writes the place of an issue as in `data.files[0].weight`; empty for the whole value. */
export function issuePath({ path, code, keys = [] }: SchemaIssue): string {
  const unknown = code === 'unrecognized_keys' ? keys.slice(0, 1) : [];
  return [...path, ...unknown]
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${String(key)}`))
    .join('');
}

/** The message of an issue in the style of all errors: without the capital of zod's, and without the name of its kind. */
export function issueMessage({ message }: Pick<SchemaIssue, 'message'>): string {
  const said = message.replace(/^(Invalid [a-z ]+|Too big|Too small): /, '');
  return said.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

function shortLine(text: string): string {
  const line = printable(text);
  return line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS - 3)}...` : line;
}
