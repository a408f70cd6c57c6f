import { int32 } from '@gram/engine';
import { ModelError } from '../error.js';
import type { GenerationBatch } from './batches.js';
import type { CachedDecoder, NextTokens, Progress, Prompts, Wanted } from './cached-decoder.js';
import type { Completion, Decoding, GenerateOptions } from './generation.js';
import { createLookUp, type LookUp } from './look-up.js';
import { chooseToken } from './sampling.js';
import { type StopSearch, searchStopText } from './stop-text.js';

/** A completion while it grows. */
interface Growing {
  /** Place of its request in the batch. */
  readonly prompt: number;
  /** Place of its request among all requests. */
  readonly request: number;
  /** Place among the completions of its request. */
  readonly place: number;
  readonly promptIds: readonly number[];
  readonly decoding: Decoding;
  readonly search: StopSearch | undefined;
  readonly ids: number[];
  readonly logProbabilities: number[];
  finished?: 'stop' | 'length';
}

/**
 * Completes the requests of a batch: reads the prompts, then adds a token to every open completion until all have ended.
 *
 * @returns the completions of each request of the batch
 * @throws {ModelError} `not-finite`; the signal's reason; what a callback throws
 */
export async function generateBatch(
  decoder: CachedDecoder,
  vocabSize: number,
  batch: GenerationBatch,
  options: GenerateOptions,
): Promise<Completion[][]> {
  const { signal } = options;
  const grown = startCompletions(batch, options);
  const grow = (completion: Growing, next: NextTokens, row: number) =>
    addToken(completion, next, { row, vocabSize }, options);

  // The completion in each row of the cache.
  let held: readonly Growing[] = grown.flat();
  const first = await decoder.read(promptInputs(batch, held), wantedBy(held));
  let { progress } = first;
  let lookUp: LookUp | undefined;
  try {
    for (const completion of held) grow(completion, first.next, completion.prompt);
    await Promise.all(held.map((completion) => finishCompletion(completion, options)));
    for (;;) {
      const open = held.filter(({ finished }) => finished === undefined);
      if (open.length === 0) break;
      signal?.throwIfAborted();
      // A smaller cache has to be copied, so rows of ended completions stay until they are half of all.
      if (open.length <= progress.rows / 2) {
        const kept = Int32Array.from(open, (completion) => held.indexOf(completion));
        progress = await decoder.select(progress, kept);
        held = open;
      }
      const [alone] = held;
      if (alone !== undefined && isGreedy(alone) && decoder.canExtend(progress)) {
        lookUp ??= createLookUp(alone.promptIds);
        if (await addDraft(alone, lookUp, { decoder, progress, vocabSize }, options)) continue;
      }
      // Ended completions write to the place of their last token again and again; nothing reads them.
      const tokens = Int32Array.from(held, ({ ids }) => ids.at(-1) ?? 0);
      const positions = Int32Array.from(held, lastPosition);
      const next = await decoder.advance(progress, { tokens, positions }, wantedBy(held));
      for (const [row, completion] of held.entries()) {
        if (completion.finished === undefined) grow(completion, next, row);
      }
      await Promise.all(open.map((completion) => finishCompletion(completion, options)));
    }
  } finally {
    decoder.end(progress);
  }
  return grown.map((completions) =>
    completions.map(({ ids, logProbabilities, finished = 'length' }) => ({
      ids,
      logProbabilities,
      finished,
    })),
  );
}

/**
 * Adds the tokens of a draft that are those of the model, and the one that the model has after them: a run takes little longer for
 * several tokens than for one. Keys and values of other tokens stay in the cache, where the next tokens overwrite them.
 *
 * @returns false where there is no draft
 */
async function addDraft(
  completion: Growing,
  lookUp: LookUp,
  running: {
    readonly decoder: CachedDecoder;
    readonly progress: Progress;
    readonly vocabSize: number;
  },
  options: GenerateOptions,
): Promise<boolean> {
  const { ids } = completion;
  lookUp.follow(ids);
  // The token after the draft is a new one as well.
  const draft = lookUp.draft(options.maxNewTokens - ids.length - 1);
  if (draft.length === 0) return false;
  const { decoder, progress, vocabSize } = running;
  const tokens = [ids.at(-1) ?? 0, ...draft];
  const next = await decoder.extend(progress, tokens, lastPosition(completion), 'winners');
  let right = 0;
  for (;;) {
    addToken(completion, next, { row: right, vocabSize }, options);
    await finishCompletion(completion, options);
    if (completion.finished !== undefined || right === draft.length || ids.at(-1) !== draft[right]) break;
    right++;
  }
  lookUp.judge(draft.length, right);
  return true;
}

/** The position of the newest token of a completion. */
function lastPosition({ promptIds, ids }: Growing): number {
  return promptIds.length + ids.length - 1;
}

/** Whether the next token is the most likely one. */
function isGreedy({ decoding: { temperature, repetitionPenalty = 1 } }: Growing): boolean {
  return temperature === 0 && repetitionPenalty === 1;
}

function wantedBy(held: readonly Growing[]): Wanted {
  return held.every(isGreedy) ? 'winners' : 'logits';
}

/** The completions of each request, before their first token. */
function startCompletions(
  { requests, indices }: GenerationBatch,
  { stopText }: GenerateOptions,
): Growing[][] {
  return requests.map(({ ids, decodings }, prompt) =>
    decodings.map((decoding, place) => ({
      prompt,
      request: indices[prompt] ?? prompt,
      place,
      promptIds: ids,
      decoding,
      search: stopText && searchStopText(stopText),
      ids: [],
      logProbabilities: [],
    })),
  );
}

/** Chooses the next token of a completion and adds it. */
function addToken(
  completion: Growing,
  next: NextTokens,
  { row, vocabSize }: { readonly row: number; readonly vocabSize: number },
  { stopIds, onToken, signal }: GenerateOptions,
): void {
  signal?.throwIfAborted();
  const [best = 0, spread = Number.NaN] = [next.best[row], next.spread[row]];
  if (!Number.isFinite(spread)) throw notFinite();
  const logits = next.logits?.subarray(row * vocabSize, (row + 1) * vocabSize);
  const token = logits === undefined ? best : nextToken(completion, logits, best);
  const belowBest = logits === undefined ? 0 : (logits[token] ?? 0) - (logits[best] ?? 0);
  const logProbability = belowBest - spread;
  completion.ids.push(token);
  completion.logProbabilities.push(logProbability);
  const { request, place } = completion;
  onToken?.({ request, completion: place, token, logProbability });
  if (stopIds.includes(token)) completion.finished = 'stop';
}

function nextToken(completion: Growing, logits: Float32Array, best: number): number {
  if (isGreedy(completion)) return best;
  const { decoding, promptIds, ids } = completion;
  const seen = (decoding.repetitionPenalty ?? 1) === 1 ? [] : [...promptIds, ...ids];
  return chooseToken(logits, decoding, seen);
}

/** Ends a completion that holds a stop text, or as many tokens as it may. */
async function finishCompletion(completion: Growing, { maxNewTokens }: GenerateOptions): Promise<void> {
  if (completion.finished !== undefined) return;
  if (await completion.search?.found(completion.ids)) completion.finished = 'stop';
  else if (completion.ids.length === maxNewTokens) completion.finished = 'length';
}

function promptInputs({ requests, length, capacity }: GenerationBatch, held: readonly Growing[]): Prompts {
  const tokens = new Int32Array(requests.length * length);
  for (const [i, { ids }] of requests.entries()) tokens.set(ids, i * length);
  const last = Int32Array.from(requests, ({ ids }) => ids.length - 1);
  const promptOf = Int32Array.from(held, ({ prompt }) => prompt);
  return { tokens: int32([requests.length, length], tokens), last, promptOf, capacity };
}

function notFinite(): ModelError {
  return new ModelError(
    'not-finite',
    'the model gave a logit that is not finite',
    'check the weights: training may have diverged, or the file is damaged',
  );
}
