/**
 * The record with the lowest finite score, the first of equal ones; undefined where none has a score.
 *
 * @param score what is to be low, such as a loss on held-out data; undefined where a record was not measured
 */
export function bestRecord<Item>(
  records: readonly Item[],
  score: (record: Item) => number | undefined,
): Item | undefined {
  let best: { readonly record: Item; readonly score: number } | undefined;
  for (const record of records) {
    const value = score(record);
    if (value === undefined || !Number.isFinite(value)) continue;
    if (best === undefined || value < best.score) best = { record, score: value };
  }
  return best?.record;
}
