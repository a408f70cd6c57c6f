/** Scores of a benchmark, several versions of each side by side. */
export interface ScoreTable {
  readonly columns: readonly string[];
  /** One value for each column; null where the data lack what it needs. */
  readonly rows: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

/** Groups things by a key, in the order in which the keys appear. */
export function groupBy<T>(things: readonly T[], keyOf: (thing: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const thing of things) {
    const key = keyOf(thing);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [thing]);
    else group.push(thing);
  }
  return groups;
}
