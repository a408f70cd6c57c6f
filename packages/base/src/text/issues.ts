/** What a schema found wrong at one place of a value, as zod reports it. */
export interface SchemaIssue {
  /** Keys and indices that lead to the place; empty for the whole value. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Kind of the issue. Of `unrecognized_keys` the first key is part of the place. */
  readonly code?: string | undefined;
  readonly keys?: readonly string[] | undefined;
}

/** Options of `describeIssues`. */
export interface DescribeOptions {
  /** Name of the value as a whole. @default 'the value' */
  readonly whole?: string;
  /** Number of issues that are described; of further ones the number is told. @default 5 */
  readonly maximum?: number;
}

const MAX_CHARACTERS = 300;

/**
 * Describes what a schema found wrong on one line, each issue as `path: message`. Keys of the value are part of the
 * paths; control characters are replaced by spaces, and each part is cut after 300 characters.
 *
 * @example
 * ```ts
 * const result = schema.safeParse(value);
 * if (!result.success) throw new Error(describeIssues(result.error.issues, { whole: 'the settings' }));
 * // "training.steps: Invalid input: expected number, received string"
 * ```
 */
export function describeIssues(
  issues: readonly SchemaIssue[],
  { whole = 'the value', maximum = 5 }: DescribeOptions = {},
): string {
  const described = issues.slice(0, maximum).map((issue) => {
    const place = pathOf(issue);
    return oneLine(`${place === '' ? whole : place}: ${issue.message}`);
  });
  const rest = issues.length - described.length;
  return [...described, ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ');
}

/** The place of an issue as keys joined by dots; empty for the whole value. */
export function pathOf({ path, code, keys = [] }: SchemaIssue): string {
  const unknown = code === 'unrecognized_keys' ? keys.slice(0, 1) : [];
  return [...path, ...unknown].map(String).join('.');
}

function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, ' ');
  return line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS - 3)}...` : line;
}
