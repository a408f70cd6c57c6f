import type { Family } from './family.js';
import { gemma2 } from './gemma2.js';
import { llama } from './llama.js';
import { mistral } from './mistral.js';
import { qwen2 } from './qwen2.js';
import { qwen3 } from './qwen3.js';

/** The families of decoders, by the name that begins their `architectures`. Nothing else names one. */
export const FAMILIES = {
  Llama: llama,
  Mistral: mistral,
  Qwen2: qwen2,
  Qwen3: qwen3,
  Gemma2: gemma2,
} satisfies Readonly<Record<string, Family>>;

export type ModelFamily = keyof typeof FAMILIES;

/** The names of all families. */
export const MODEL_FAMILIES = Object.keys(FAMILIES) as readonly ModelFamily[];

/** The family of a model that is trained from random weights: the one that most libraries load. */
export const SCRATCH_FAMILY = 'Llama' satisfies ModelFamily;
