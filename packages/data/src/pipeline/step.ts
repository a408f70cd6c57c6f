/** A step of a pipeline: takes records, and gives those that it keeps, in its order. */
export interface Step<Item> {
  readonly name: string;
  /**
   * @param drop is told of each record that is left out, and why
   * @param meet is told of each record that the step takes from elsewhere
   */
  apply(
    items: AsyncIterable<Item>,
    drop: (item: Item, reason: string) => void,
    meet: () => void,
  ): AsyncIterable<Item>;
}

/** Number of records that one step has met so far: `read` is `kept` and all of `dropped` together when the records have ended. */
export interface StepCounts {
  readonly name: string;
  readonly read: number;
  readonly kept: number;
  readonly dropped: Readonly<Record<string, number>>;
}

/** Records on their way through steps, once and one at a time. */
export interface Pipeline<Item> extends AsyncIterable<Item> {
  /** Counts of each step so far. */
  readonly counts: readonly StepCounts[];
}

/** Options of `createPipeline`. */
export interface PipelineOptions<Item> {
  /** Receives each record that is left out. */
  readonly onDrop?: ((item: Item, reason: string, step: string) => void) | undefined;
}

/**
 * Sends records through steps, each of which takes what the one before it gives. Nothing is read before somebody asks for records.
 *
 * @example
 * ```ts
 * const pipeline = createPipeline(readPreferences('pairs.jsonl'), [deduplicate(), shuffle(1)]);
 * await writeJsonl('clean.jsonl', pipeline);
 * console.log(pipeline.counts);
 * ```
 */
export function createPipeline<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  steps: readonly Step<Item>[],
  { onDrop }: PipelineOptions<Item> = {},
): Pipeline<Item> {
  const counts = steps.map(({ name }) => ({ name, read: 0, kept: 0, dropped: {} as Record<string, number> }));
  let stream = counted(items, () => {});
  for (const [at, step] of steps.entries()) {
    const count = counts[at];
    if (count === undefined) continue;
    const read = counted(stream, () => count.read++);
    const drop = (item: Item, reason: string) => {
      count.dropped[reason] = (count.dropped[reason] ?? 0) + 1;
      onDrop?.(item, reason, step.name);
    };
    const kept = step.apply(read, drop, () => count.read++);
    stream = counted(kept, () => count.kept++);
  }
  return { counts, [Symbol.asyncIterator]: () => stream };
}

/** Gives items and counts each. */
export async function* counted<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  count: () => void,
): AsyncGenerator<Item, void, undefined> {
  for await (const item of items) {
    count();
    yield item;
  }
}

/**
 * Makes a step that judges each record alone, or by what it remembers of earlier ones.
 *
 * @param judge says why a record is left out; undefined keeps it
 */
export function screen<Item>(
  name: string,
  judge: (item: Item) => string | undefined | Promise<string | undefined>,
): Step<Item> {
  return {
    name,
    async *apply(items, drop) {
      for await (const item of items) {
        const reason = await judge(item);
        if (reason === undefined) yield item;
        else drop(item, reason);
      }
    },
  };
}
