/**
 * Maps items by work that takes time, several at once, and gives the results in the order of the items. An error of an item or of
 * the work on it is thrown in its turn, after the results of all items before it; the work on later items then goes on unseen.
 *
 * @param limit largest number of items that are worked on or wait for their turn
 */
export async function* mapOrdered<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
  limit: number,
): AsyncGenerator<Result, void, undefined> {
  const waiting: Promise<Result>[] = [];
  const add = (result: Promise<Result>) => {
    // Its error is thrown in its turn.
    result.catch(() => undefined);
    waiting.push(result);
  };
  const source = iterate(items);
  try {
    for (let isDone = false; !isDone || waiting.length > 0; ) {
      while (!isDone && waiting.length < limit) {
        const next = await source.next().catch((error: unknown) => ({ error }));
        if ('error' in next) add(Promise.reject(next.error));
        else if (!next.done) add(work(next.value));
        isDone = 'error' in next || next.done === true;
      }
      const first = waiting.shift();
      if (first !== undefined) yield await first;
    }
  } finally {
    await source.return();
  }
}

async function* iterate<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  yield* items;
}
