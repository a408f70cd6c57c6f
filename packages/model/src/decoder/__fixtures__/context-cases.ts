import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelConfig } from '../../config/model-config.js';
import { type Weights, weightOf, weightShapes } from '../../config/weight-shapes.js';
import { readSafetensors } from '../../safetensors/read.js';

// Made by tools/make-context-fixtures.py with Hugging Face transformers.
const folder = fileURLToPath(new URL('contexts/', import.meta.url));

/** A model with a scaled rotary embedding or windows, and the numbers of transformers. */
interface ContextCase {
  readonly config: unknown;
  /** At every position of the sequence. */
  readonly logits: number[];
  /** Logits after the first so many tokens alone. */
  readonly beginnings: Record<string, number[]>;
  readonly positions: number[];
  readonly targets: number[];
  readonly loss: number;
  readonly gradients: Record<string, number[]>;
  readonly greedy: number[];
}

/** One sequence, the length of its beginning that is continued greedily, and the models. */
export const { tokens, prompt, cases } = JSON.parse(readFileSync(`${folder}cases.json`, 'utf8')) as {
  tokens: number[];
  prompt: number;
  cases: Record<string, ContextCase>;
};

const { tensors } = await readSafetensors(`${folder}weights.safetensors`);

/** The weights of one of the models. */
export function weightsOf(config: ModelConfig): Weights {
  return Object.fromEntries(Object.keys(weightShapes(config)).map((name) => [name, weightOf(tensors, name)]));
}
