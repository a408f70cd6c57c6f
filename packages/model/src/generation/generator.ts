import { int32 } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import type { Weights } from '../config/weight-shapes.js';
import { ModelError } from '../error.js';
import { type GenerationBatch, planBatches } from './batches.js';
import { type CachedDecoder, createCachedDecoder } from './cached-decoder.js';
import { checkRequests } from './check-requests.js';
import type { Completion, Decoding, GenerateOptions, GenerationRequest } from './generation.js';
import { chooseToken, logProbability } from './sampling.js';

/** What a generator is made of. */
export interface GeneratorOptions {
  /** Of a model with a next-token head. */
  readonly config: ModelConfig;
  /** Read at each token, unless they are fixed: weights that are updated in place are seen, without a copy. */
  readonly weights: Weights;
  /**
   * Whether the weights will not change. A packed copy of them then makes single tokens about twice as fast, and
   * takes their size in memory again. @default false
   */
  readonly fixedWeights?: boolean;
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
  batchTokens = 16_384,
}: GeneratorOptions): Generator {
  const decoder = createCachedDecoder(config, weights, fixedWeights);
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
  readonly prompt: number;
  readonly promptLength: number;
  readonly decoding: Decoding;
  readonly ids: number[];
  readonly logProbabilities: number[];
  finished?: 'stop' | 'length';
}

async function generateBatch(
  decoder: CachedDecoder,
  vocabSize: number,
  batch: GenerationBatch,
  { maxNewTokens, stopIds, signal }: GenerateOptions,
): Promise<Completion[][]> {
  const grown = batch.requests.map(({ ids, decodings }, prompt) =>
    decodings.map(
      (decoding): Growing => ({
        prompt,
        promptLength: ids.length,
        decoding,
        ids: [],
        logProbabilities: [],
      }),
    ),
  );
  const grow = (completion: Growing, logits: Float32Array, row: number) => {
    const own = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
    const token = chooseToken(own, completion.decoding);
    const logProb = logProbability(own, token);
    if (!Number.isFinite(logProb)) throw notFinite();
    completion.ids.push(token);
    completion.logProbabilities.push(logProb);
    if (stopIds.includes(token)) completion.finished = 'stop';
    else if (completion.ids.length === maxNewTokens) completion.finished = 'length';
  };

  // The completion in each row of the cache.
  let held: readonly Growing[] = grown.flat();
  const first = await decoder.read(...promptInputs(batch, held), batch.capacity);
  for (const completion of held) grow(completion, first.logits, completion.prompt);
  let { progress } = first;
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
    const positions = Int32Array.from(held, ({ promptLength, ids }) => promptLength + ids.length - 1);
    const logits = await decoder.advance(progress, tokens, positions);
    for (const [row, completion] of held.entries()) {
      if (completion.finished === undefined) grow(completion, logits, row);
    }
  }
  return grown.map((completions) =>
    completions.map(({ ids, logProbabilities, finished }) => ({
      ids,
      logProbabilities,
      finished: finished!,
    })),
  );
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
