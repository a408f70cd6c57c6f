/** Scores of a benchmark, several versions of each side by side. */
export interface ScoreTable {
  readonly columns: readonly string[];
  /** One value for each column; null where the data lack what it needs. */
  readonly rows: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

/** Builds a table of one column. */
export function oneColumn(
  column: string,
  rows: readonly (readonly [name: string, value: number | null])[],
): ScoreTable {
  return { columns: [column], rows: rows.map(([name, value]) => ({ name, values: [value] })) };
}

/** Groups items by a key, in the order in which the keys appear. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
