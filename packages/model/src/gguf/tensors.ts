import type { FileHandle } from 'node:fs/promises';
import { quote } from '@gram/base';
import { allFinite, type BlockMatrix, type NDArray } from '@gram/engine';
import { familyOf, type ModelConfig } from '../config/model-config.js';
import { type Weights, weightShapes } from '../config/weight-shapes.js';
import { ModelError } from '../error.js';
import { checkShapes } from '../files/check-weights.js';
import { readFully } from '../files/read.js';
import { int4OfQ4_0 } from './blocks/int4.js';
import { badGguf } from './error.js';
import type { GgufHeader, GgufTensor } from './parse.js';
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
export function deinterleaveHeads(data: Float32Array | Uint8Array, headDim: number, width: number): void {
  const half = headDim / 2;
  const size = headDim * width;
  for (let start = 0; start < data.length; start += size) {
    const head = data.slice(start, start + size);
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

/** An open GGUF file, whose tensors were checked. */
export interface OpenGguf {
  readonly handle: FileHandle;
  readonly header: GgufHeader;
  readonly config: ModelConfig;
  readonly path: string;
}

/** Reads all weights, one after the other, under the names and in the order of `weightShapes`. */
export async function readGgufWeights(file: OpenGguf): Promise<Weights> {
  const weights: Record<string, NDArray<'float32'>> = Object.create(null);
  for (const name of Object.keys(weightShapes(file.config))) weights[name] = await readGgufWeight(name, file);
  return weights;
}

/** Reads a weight by its name in `weightShapes`. */
export async function readGgufWeight(name: string, file: OpenGguf): Promise<NDArray<'float32'>> {
  const { handle, config, path } = file;
  const { gguf, decoder } = familyOf(config);
  const [stored, tensor] = tensorOf(name, file);
  const array = await readGgufTensor(handle, stored, tensor, path);
  if (gguf?.hasInterleavedHeads && PERMUTED.test(name)) {
    deinterleaveHeads(array.data, config.headDim, array.shape[1] ?? 1);
  }
  // llama.cpp stores the gain itself.
  if (decoder.gainOffset && name.endsWith('norm.weight')) addTo(array.data, -decoder.gainOffset);
  return array;
}

/**
 * Reads a matrix of Q4_0 as the 4-bit matrix that it is: the same integers and scales, in the order of the engine. Other types are
 * not of this form.
 *
 * @throws {ModelError} `bad-weights` where a scale is not finite
 */
export async function readGgufInt4(
  name: string,
  file: OpenGguf,
): Promise<BlockMatrix<NDArray<'uint8'>, NDArray<'float32'>> | undefined> {
  const { handle, config, path } = file;
  const [stored, { type, shape, start, bytes }] = tensorOf(name, file);
  const [outputs, inputs] = shape;
  if (type !== 'Q4_0' || shape.length !== 2 || outputs === undefined || inputs === undefined)
    return undefined;
  const blocks = new Uint8Array(bytes);
  await readFully(handle, blocks, start, path);
  const matrix = int4OfQ4_0(blocks, outputs, inputs);
  if (!allFinite(matrix.scales.data)) {
    throw new ModelError(
      'bad-weights',
      `${path}: tensor ${quote(stored)} holds a value that is not finite`,
      'get the file again from its source',
    );
  }
  if (familyOf(config).gguf?.hasInterleavedHeads && PERMUTED.test(name)) {
    deinterleaveHeads(matrix.scales.data, config.headDim, inputs / 32);
    deinterleaveHeads(matrix.packed.data, config.headDim, inputs / 2);
  }
  return matrix;
}

/** The name of a weight in the file, and its tensor. */
function tensorOf(name: string, { header, config, path }: OpenGguf): [string, GgufTensor] {
  const stored = ggufName(name, config);
  const tensor = header.tensors.get(stored);
  if (tensor === undefined) throw badGguf(path, `the tensor ${quote(stored)} is missing`);
  return [stored, tensor];
}

function addTo(data: Float32Array, addend: number): void {
  for (const [i, value] of data.entries()) data[i] = value + addend;
}
