import type { Tokenizer } from './library.js';

/** Decodes ids that arrive one at a time. All its texts, joined, are `tokenizer.decode` of all ids. */
export interface TextStream {
  /** Takes the next id and returns the text that has become complete: often a word, sometimes nothing. */
  push(id: number): Promise<string>;
  /** Returns the rest, a character that was never completed, as U+FFFD. The stream then starts anew. */
  end(): Promise<string>;
}

/**
 * Creates a stream that decodes what a model generates while it generates it. A token can end inside a character, whose
 * bytes decode to U+FFFD until the rest arrives, so U+FFFD at the end is held back until another id settles it. Calls may
 * overlap; they are answered in order.
 *
 * It suits tokenizers whose decoded text only grows with more ids, such as byte-level ones.
 *
 * @example
 * ```ts
 * const stream = createTextStream(tokenizer);
 * for (const id of await tokenizer.encode('Hello!')) process.stdout.write(await stream.push(id));
 * process.stdout.write(await stream.end());
 * ```
 */
export function createTextStream(tokenizer: Tokenizer): TextStream {
  // Ids whose text was given already, kept because a decoder may treat the first token of a text differently.
  let context: readonly number[] = [];
  // Ids after them, whose text has been given up to `given` characters of the text of both.
  let open: readonly number[] = [];
  let given = 0;
  let last: Promise<unknown> = Promise.resolve();

  function inOrder(step: () => Promise<string>): Promise<string> {
    const result = last.then(step);
    last = result.catch(() => {});
    return result;
  }

  return {
    push: (id) =>
      inOrder(async () => {
        open = [...open, id];
        const text = await tokenizer.decode([...context, ...open]);
        const settled = text.replace(/\uFFFD+$/, '');
        const fresh = settled.slice(given);
        given = Math.max(given, settled.length);
        if (settled.length === text.length) {
          // Nothing is held back, so what follows does not depend on the bytes of these ids.
          context = open;
          open = [];
          given = (await tokenizer.decode(context)).length;
        }
        return fresh;
      }),
    end: () =>
      inOrder(async () => {
        const text = await tokenizer.decode([...context, ...open]);
        const rest = text.slice(given);
        [context, open, given] = [[], [], 0];
        return rest;
      }),
  };
}
