import { type DeviceName, int32 } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import type { Weights } from '../config/weight-shapes.js';
import { ModelError } from '../error.js';
import type { Precision } from '../estimates.js';
import { quantizeWeights } from '../quantize.js';
import { type GenerationBatch, planBatches } from './batches.js';
import { type CachedDecoder, createCachedDecoder, type NextTokens } from './cached-decoder.js';
import { checkRequests } from './check-requests.js';
import type { Completion, Decoding, GenerateOptions, GenerationRequest } from './generation.js';
import { chooseToken } from './sampling.js';
import { type StopSearch, searchStopText } from './stop-text.js';

/** What a generator is made of. */
export interface GeneratorOptions {
  /** Of a model with a next-token head. */
  readonly config: ModelConfig;
  /** On the CPU they are read at each token, so that updates in place are seen, unless they are fixed. */
  readonly weights: Weights;
  /**
   * Whether the weights will not change. A packed copy of them then makes single tokens about twice as fast, and
   * takes their size in memory again. @default false
   */
  readonly fixedWeights?: boolean;
  /**
   * How the matrices of the layers are kept. Integers are made of the weights at the start, which are then taken as fixed.
   * @default 'float32'
   */
  readonly precision?: Precision;
  /** Where to compute; the weights are copied there at the first call. @default 'cpu' */
  readonly device?: DeviceName | 'auto' | undefined;
  /** The most positions, past and to come, of completions that are made together. @default 16384 */
  readonly batchTokens?: number;
}

/** Continues texts with a language model. */
export interface Generator {
  /**
   * Completions of each request, in the order of the requests and their decodings.
   *
   * Prompts are read together, each once however many completions it has; then all completions grow by one token at a
   * time, over a cache of keys and values. The batch shrinks as completions end.
   *
   * A call that ends early, by its signal or by what a callback throws, leaves the generator as it was.
   *
   * @throws ModelError `bad-request`, before anything is computed, and `not-finite`; the signal's reason
   */
  generate(requests: readonly GenerationRequest[], options: GenerateOptions): Promise<Completion[][]>;
  /** Frees the native executables. The weights are not touched. */
  dispose(): void;
}

/** Makes a generator for a causal language model. */
export function createGenerator({
  config,
  weights,
  fixedWeights = false,
  precision = 'float32',
  device,
  batchTokens = 16_384,
}: GeneratorOptions): Generator {
  const decoder =
    precision === 'float32'
      ? createCachedDecoder(config, weights, fixedWeights, device)
      : createCachedDecoder(config, quantizeWeights(weights, precision), true, device);
  return {
    async generate(requests, options) {
      checkRequests(requests, options, config);
      const results: Completion[][] = new Array(requests.length);
      const total = requests.reduce((sum, { decodings }) => sum + decodings.length, 0);
      let done = 0;
      for (const batch of planBatches(requests, options.maxNewTokens, batchTokens)) {
        options.signal?.throwIfAborted();
        const completions = await generateBatch(decoder, config.vocabSize, batch, options);
        for (const [i, index] of batch.indices.entries()) results[index] = completions[i]!;
        done += completions.flat().length;
        options.onProgress?.(done, total);
      }
      return results;
    },
    dispose: () => decoder.dispose(),
  };
}

/** A completion while it grows. */
interface Growing {
  /** Place of its request in the batch. */
  readonly prompt: number;
  /** Place among the completions of its request. */
  readonly place: number;
  readonly promptIds: readonly number[];
  readonly decoding: Decoding;
  readonly search: StopSearch | undefined;
  readonly ids: number[];
  readonly logProbabilities: number[];
  finished?: 'stop' | 'length';
}

async function generateBatch(
  decoder: CachedDecoder,
  vocabSize: number,
  batch: GenerationBatch,
  options: GenerateOptions,
): Promise<Completion[][]> {
  const { maxNewTokens, stopIds, stopText, onToken, signal } = options;
  const grown = batch.requests.map(({ ids, decodings }, prompt) =>
    decodings.map(
      (decoding, place): Growing => ({
        prompt,
        place,
        promptIds: ids,
        decoding,
        search: stopText && searchStopText(stopText),
        ids: [],
        logProbabilities: [],
      }),
    ),
  );
  const grow = (completion: Growing, next: NextTokens, row: number) => {
    signal?.throwIfAborted();
    const { ids, logProbabilities, prompt, place } = completion;
    const token = nextToken(completion, next, row, vocabSize);
    const at = row * vocabSize;
    const logProbability = next.logits[at + token]! - next.logits[at + next.best[row]!]! - next.spread[row]!;
    ids.push(token);
    logProbabilities.push(logProbability);
    onToken?.({ request: batch.indices[prompt]!, completion: place, token, logProbability });
    if (stopIds.includes(token)) completion.finished = 'stop';
  };
  const finish = async (completion: Growing) => {
    if (completion.finished !== undefined) return;
    if (await completion.search?.found(completion.ids)) completion.finished = 'stop';
    else if (completion.ids.length === maxNewTokens) completion.finished = 'length';
  };

  // The completion in each row of the cache.
  let held: readonly Growing[] = grown.flat();
  const first = await decoder.read(...promptInputs(batch, held), batch.capacity);
  let { progress } = first;
  try {
    for (const completion of held) grow(completion, first.next, completion.prompt);
    await Promise.all(held.map(finish));
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
      // Ended completions write to the place of their last token again and again; nothing reads them.
      const tokens = Int32Array.from(held, ({ ids }) => ids.at(-1)!);
      const positions = Int32Array.from(held, ({ promptIds, ids }) => promptIds.length + ids.length - 1);
      const next = await decoder.advance(progress, tokens, positions);
      for (const [row, completion] of held.entries()) {
        if (completion.finished === undefined) grow(completion, next, row);
      }
      await Promise.all(open.map(finish));
    }
  } finally {
    decoder.end(progress);
  }
  return grown.map((completions) =>
    completions.map(({ ids, logProbabilities, finished }) => ({
      ids,
      logProbabilities,
      finished: finished!,
    })),
  );
}

function nextToken(
  { decoding, promptIds, ids }: Growing,
  next: NextTokens,
  row: number,
  size: number,
): number {
  if (!Number.isFinite(next.spread[row]!)) throw notFinite();
  const { temperature, repetitionPenalty = 1 } = decoding;
  if (temperature === 0 && repetitionPenalty === 1) return next.best[row]!;
  const seen = repetitionPenalty === 1 ? [] : [...promptIds, ...ids];
  return chooseToken(next.logits.subarray(row * size, (row + 1) * size), decoding, seen);
}

function promptInputs({ requests, length }: GenerationBatch, held: readonly Growing[]) {
  const tokens = new Int32Array(requests.length * length);
  for (const [i, { ids }] of requests.entries()) tokens.set(ids, i * length);
  const last = Int32Array.from(requests, ({ ids }) => ids.length - 1);
  const promptOf = Int32Array.from(held, ({ prompt }) => prompt);
  return [int32([requests.length, length], tokens), last, promptOf] as const;
}

function notFinite(): ModelError {
  return new ModelError(
    'not-finite',
    'the model gave a logit that is not finite',
    'check the weights: training may have diverged, or the file is damaged',
  );
}
