import type { FileHandle } from 'node:fs/promises';
import { quote } from '@gram/base';
import type { NDArray } from '@gram/engine';
import { familyOf, type ModelConfig } from '../config/model-config.js';
import { type Weights, weightShapes } from '../config/weight-shapes.js';
import { checkShapes } from '../files/check-weights.js';
import { badGguf } from './error.js';
import type { GgufHeader } from './parse.js';
import { readGgufTensor } from './read-tensor.js';
import { ROPE_FACTORS } from './rope-factors.js';

/** Parts of the names of Hugging Face, and what llama.cpp calls them unless the family says otherwise. */
const NAMES: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/**
 * What llama.cpp calls a weight: `blk.3.attn_q.weight` for `model.layers.3.self_attn.q_proj.weight`.
 *
 * Source: https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/tensor_mapping.py
 */
export function ggufName(name: string, config: ModelConfig): string {
  const names = { ...NAMES, ...familyOf(config).gguf?.names };
  const [, layer, part = '', kind] = /^(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name) ?? [];
  return `${layer === undefined ? '' : `blk.${layer}.`}${names[part]}.${kind}`;
}

/**
 * Puts rows of queries or keys back into the order of Hugging Face, in place. For Llama, the converter of llama.cpp
 * interleaves the halves of each head, because its rotary embedding turns neighbors: row `2 i + j` there is row
 * `j headDim / 2 + i` here.
 *
 * @param data `[heads * headDim, width]`
 */
export function deinterleaveHeads(data: Float32Array, headDim: number, width: number): void {
  const half = headDim / 2;
  const head = new Float32Array(headDim * width);
  for (let start = 0; start < data.length; start += head.length) {
    head.set(data.subarray(start, start + head.length));
    for (let i = 0; i < half; i++) {
      for (let j = 0; j < 2; j++) {
        const from = (2 * i + j) * width;
        data.set(head.subarray(from, from + width), start + (j * half + i) * width);
      }
    }
  }
}

/**
 * Checks that the tensors are those that the configuration asks for, in their shapes.
 *
 * @throws {ModelError} `bad-weights`, with the names of the file
 */
export function checkGgufTensors({ tensors }: GgufHeader, config: ModelConfig, path: string): void {
  const expected = Object.entries(weightShapes(config)).map(
    ([name, shape]) => [ggufName(name, config), shape] as const,
  );
  // Its content became part of the configuration.
  const found = [...tensors].filter(([name]) => name !== ROPE_FACTORS);
  checkShapes(new Map(found), new Map(expected), path);
}

const PERMUTED = /\.self_attn\.[qk]_proj\.(weight|bias)$/;

/** Reads all weights, one after the other, under the names and in the order of `weightShapes`. */
export async function readGgufWeights(
  handle: FileHandle,
  header: GgufHeader,
  config: ModelConfig,
  path: string,
): Promise<Weights> {
  const { gguf, decoder } = familyOf(config);
  const weights: Record<string, NDArray<'float32'>> = Object.create(null);
  for (const name of Object.keys(weightShapes(config))) {
    const stored = ggufName(name, config);
    const tensor = header.tensors.get(stored);
    if (tensor === undefined) throw badGguf(path, `the tensor ${quote(stored)} is missing`);
    const array = await readGgufTensor(handle, stored, tensor, path);
    if (gguf?.hasInterleavedHeads && PERMUTED.test(name)) {
      deinterleaveHeads(array.data, config.headDim, array.shape[1] ?? 1);
    }
    // llama.cpp stores the gain itself.
    if (decoder.gainOffset && name.endsWith('norm.weight')) addTo(array.data, -decoder.gainOffset);
    weights[name] = array;
  }
  return weights;
}

function addTo(data: Float32Array, addend: number): void {
  for (const [i, value] of data.entries()) data[i] = value + addend;
}
