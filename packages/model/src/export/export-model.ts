import { join } from 'node:path';
import { type ExportedOnnx, exportOnnx } from '@gram/engine';
import type * as tf from '@tensorflow/tfjs-core';
import { kindOf, longestSequence, type ModelConfig, sharedLength } from '../config/model-config.js';
import { weightShapes } from '../config/weight-shapes.js';
import { continueAt, readPrompt } from '../decoder/decoder.js';
import { labelLogits, values, vocabularyLogits } from '../decoder/heads.js';
import type { WeightTensors } from '../decoder/model-tensors.js';
import { positionTables } from '../decoder/position-tables.js';
import { weightFiles } from '../directory/load-weights.js';
import { type GRAPH_FILES, readConfig } from '../directory/model-directory.js';
import { ModelError } from '../error.js';

/** Options of the exports. */
export interface ExportModelOptions {
  /**
   * The longest sequence, in tokens; the rotations of so many positions are a part of the graph. Under dynamic scaling they are
   * those of the original context, which is the limit.
   * @default what the model is made for, at most 8192
   */
  readonly maxLength?: number;
}

/** A graph that was written beside the weights that it reads. */
export interface ExportedModel extends ExportedOnnx {
  readonly path: string;
}

type Inputs = { weights: WeightTensors; tokens: tf.Tensor2D; last: tf.Tensor1D };
type CacheTree = Readonly<Record<string, { keys: tf.Tensor4D; values: tf.Tensor4D }>>;

const DEFAULT_LENGTH = 8192;
const prompts = {
  tokens: { dtype: 'int32', shape: ['B', 'T'] },
  last: { dtype: 'int32', shape: ['B'] },
} as const;

/**
 * Writes `judge.onnx` into a model's directory: the logits of the label tokens after a judging prompt.
 * Inputs: `tokens [B, T]` int32, padded on the right, and `last [B]` int32, the position of each prompt's last token.
 * Output: `logits [B, labels]`. The graph reads the directory's safetensors; ONNX Runtime runs it in any language.
 *
 * @param dir a model directory with a next-token head
 * @param labels token ids of the labels
 * @throws {ModelError} `bad-request`, and as `loadModel`; EngineError `bad-file`
 */
export function exportJudge(
  dir: string,
  labels: readonly number[],
  options: ExportModelOptions = {},
): Promise<ExportedModel> {
  return write(dir, 'judge.onnx', 'next-token', options, (config, tables) => ({
    fn: ({ weights, tokens, last }: Inputs) => ({
      logits: labelLogits(config, weights, tokens, last, labels, tables()),
    }),
    specs: prompts,
  }));
}

/**
 * Writes `reward.onnx` into the directory of a model that scores: `rewards [B]` at the last token of each sequence.
 * Its inputs and errors are those of `exportJudge`.
 */
export function exportReward(dir: string, options: ExportModelOptions = {}): Promise<ExportedModel> {
  return write(dir, 'reward.onnx', 'score', options, (config, tables) => ({
    fn: ({ weights, tokens, last }: Inputs) => ({ rewards: values(config, weights, tokens, last, tables()) }),
    specs: prompts,
  }));
}

/**
 * Writes the two graphs of generation into a model's directory.
 *
 * `prompt.onnx` takes `tokens [B, T]` and `last [B]`, as `exportJudge`, and gives `logits [B, V]` of the first new token,
 * and `cache/LAYER/keys` and `cache/LAYER/values [B, numKeyValueHeads, T, headDim]`.
 * `next.onnx` takes `tokens [B]`, their `positions [B]`, and a `cache` with room for C positions in each row, filled up to
 * them; it gives the `logits` of the next token, and as `out:cache/...` the cache with the new position in it.
 *
 * Its errors are those of `exportJudge`.
 */
export async function exportGenerator(
  dir: string,
  options: ExportModelOptions = {},
): Promise<{ prompt: ExportedModel; next: ExportedModel }> {
  const tree = (cache: readonly { keys: tf.Tensor4D; values: tf.Tensor4D }[]): CacheTree =>
    Object.fromEntries(cache.map(({ keys, values: v }, i) => [String(i), { keys, values: v }]));
  const prompt = await write(dir, 'prompt.onnx', 'next-token', options, (config, tables) => ({
    fn: ({ weights, tokens, last }: Inputs) => {
      const { state, cache } = readPrompt(config, weights, tokens, last, tables());
      return { logits: vocabularyLogits(config, weights, state), cache: tree(cache) };
    },
    specs: prompts,
  }));
  const next = await write(dir, 'next.onnx', 'next-token', options, (config, tables) => {
    const { numHiddenLayers: count, numKeyValueHeads: groups, headDim } = config;
    const room = { dtype: 'float32', shape: ['B', groups, 'C', headDim] };
    const layers = Array.from({ length: count }, (_, i) => [String(i), { keys: room, values: room }]);
    return {
      fn: (inputs: {
        weights: WeightTensors;
        tokens: tf.Tensor1D;
        positions: tf.Tensor1D;
        cache: CacheTree;
      }) => {
        const { weights, tokens, positions } = inputs;
        // Keys that are whole numbers come in their order.
        const past = Object.values(inputs.cache);
        const { state, cache } = continueAt(config, weights, tokens, positions, past, tables());
        return { logits: vocabularyLogits(config, weights, state), cache: tree(cache) };
      },
      specs: {
        tokens: { dtype: 'int32', shape: ['B'] },
        positions: { dtype: 'int32', shape: ['B'] },
        cache: Object.fromEntries(layers),
      },
    };
  });
  return { prompt, next };
}

/** Traces a function over the weights that lie in a directory. */
async function write(
  dir: string,
  name: (typeof GRAPH_FILES)[number],
  head: 'next-token' | 'score',
  { maxLength }: ExportModelOptions,
  build: (
    config: ModelConfig,
    tables: () => ReturnType<typeof positionTables>,
  ) => { fn: (inputs: never) => unknown; specs: object },
): Promise<ExportedModel> {
  const config = await readConfig(dir);
  const refuse = (problem: string, hint: string) => new ModelError('bad-request', `${dir}: ${problem}`, hint);
  if (kindOf(config).head !== head) {
    throw refuse(`${name} needs a model with a ${head} head`, 'export the graph that belongs to the model');
  }
  // The rotations are constants of the graph, and those of longer sequences differ with the length.
  const longest = Math.min(longestSequence(config), sharedLength(config));
  const length = maxLength ?? Math.min(longest, DEFAULT_LENGTH);
  if (!(Number.isInteger(length) && length >= 1 && length <= longest)) {
    const reason = longest < longestSequence(config) ? ' in a graph because its rope scaling is dynamic' : '';
    throw refuse(
      `maxLength is ${length}, and the model is made for ${longest} tokens${reason}`,
      'give a number up to that',
    );
  }
  const { fn, specs } = build(config, () => positionTables(config, length));
  const files = Object.entries(await weightFiles(dir, config)).map(
    ([weight, source]) => [`weights/${weight}`, source] as const,
  );
  const weights = Object.fromEntries(
    Object.entries(weightShapes(config)).map(([weight, shape]) => [
      weight,
      { dtype: 'float32', shape } as const,
    ]),
  );
  const path = join(dir, name);
  const exported = await exportOnnx(fn, { weights, ...specs }, path, { files: Object.fromEntries(files) });
  return { path, ...exported };
}
