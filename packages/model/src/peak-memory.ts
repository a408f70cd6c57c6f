import type { ModelConfig } from './config/model-config.js';
import { parameterCount } from './config/weight-shapes.js';
import { cacheBytes } from './estimates.js';
import { matrixWeights, roundedHeadBytes, type WeightPrecision, weightBytes } from './weight-bytes.js';

/** The use of an opened model, and the size of its largest batch. */
export interface ModelUse {
  /** `judge` reads a few rows of the head, `generate` all of them, and keeps keys and values. */
  readonly kind: 'judge' | 'generate';
  readonly precision: WeightPrecision;
  /** Sequences that are computed together; a pair in both orders is two. */
  readonly rows: number;
  /** Tokens of each, those to be generated included. */
  readonly tokens: number;
}

/** Memory of a process that uses a model, in bytes. */
export interface PeakMemory {
  /** Bytes once the packed form is there, as it is from the second process on; float32 safetensors need none. */
  readonly opened: number;
  /** Bytes in the process that packs integers, which has the embedding and the head in memory one after the other. */
  readonly packing: number;
}

/** Memory of Node, the packages and the runtime with its threads, on Linux. */
const PROCESS_BYTES = 118e6;
/** Memory of a tokenizer for each of its tokens: its tables, and what is left of reading the file. */
const TOKENIZER_BYTES = 1000;
/** Memory of the graphs of generation, of which there are four. */
const GENERATION_BYTES = 40e6;
/** Arrays that are kept at once between the products of a layer: products of integers keep those that they round as well. */
const ARRAYS = { float32: 1, int8: 2, int4: 2 } as const satisfies Record<WeightPrecision, number>;
/** Free pieces between those in use, and pages of files that are in memory while matrices are packed. */
const SLACK = 1.05;

/**
 * Estimates the largest memory of a process that opens a model on the CPU and uses it. Measured for SmolLM2-135M, in three
 * precisions and both uses, it was right within 12 %; `bench/memory.mjs` prints it beside what the kernel counts.
 *
 * Weights stay in files: only what the runtime packs of them is counted, and neither the embedding nor a head of which single rows
 * are read. A 16-bit checkpoint or a GGUF file of more than a gigabyte in float32 is
 * read into memory instead, which takes `weightBytes`.
 *
 * @example
 * ```ts
 * const { opened } = peakMemory(config, { kind: 'judge', precision: 'int4', rows: 2, tokens: 1024 });
 * ```
 */
export function peakMemory(config: ModelConfig, { kind, precision, rows, tokens }: ModelUse): PeakMemory {
  const { vocabSize, hiddenSize } = config;
  const table = vocabSize * hiddenSize;
  const own = PROCESS_BYTES + TOKENIZER_BYTES * vocabSize;
  const layers = weightBytes(config, precision) - 4 * (parameterCount(config) - matrixWeights(config));
  const head = precision === 'float32' ? 4 * table : roundedHeadBytes(config);
  const activations = ARRAYS[precision] * forwardBytes(config, rows, tokens);
  // The head is packed when the prompts were read, and what they took was given back.
  const generating = GENERATION_BYTES + Math.max(head, activations) + cacheBytes(config, rows * tokens);
  const opened = own + layers + (kind === 'generate' ? generating : activations);
  const packing = precision === 'float32' ? 0 : own + 4 * table + roundedHeadBytes(config);
  return { opened: SLACK * opened, packing: SLACK * Math.max(opened, packing) };
}

/** Results that a forward pass has at once: the states, and the scores of attention or the wide arrays of a feed-forward layer. */
function forwardBytes(config: ModelConfig, rows: number, tokens: number): number {
  const { hiddenSize, intermediateSize, numAttentionHeads } = config;
  const widest = Math.max(numAttentionHeads * tokens, 3 * intermediateSize);
  return 4 * rows * tokens * (widest + 4 * hiddenSize);
}
