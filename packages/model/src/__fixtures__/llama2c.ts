import { readFileSync } from 'node:fs';
import { float32, sizeOf } from '@gram/engine';
import type { ModelConfig } from '../config/model-config.js';
import { type Weights, weightShapes } from '../config/weight-shapes.js';
import { deinterleaveHeads } from '../gguf/tensors.js';

/** Parts of weight names in the order of the file; each stands for all layers, one after the other. */
const ORDER = [
  'embed_tokens',
  'input_layernorm',
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'post_attention_layernorm',
  'gate_proj',
  'down_proj',
  'up_proj',
  'model.norm',
];

/**
 * A checkpoint of llama2.c in its first format: seven int32, then float32 weights.
 *
 * Source: https://github.com/karpathy/llama2.c/blob/master/run.c (memory_map_weights)
 */
export function readLlama2c(path: string): { config: ModelConfig; weights: Weights } {
  const file = readFileSync(path);
  const header = Array.from({ length: 7 }, (_, i) => file.readInt32LE(4 * i));
  const [hiddenSize, intermediateSize, numHiddenLayers, heads, groups, vocabSize, length] = header as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const config: ModelConfig = {
    architecture: 'LlamaForCausalLM',
    // Negative where the head is apart, which no file here has.
    vocabSize,
    hiddenSize,
    intermediateSize,
    numHiddenLayers,
    numAttentionHeads: heads,
    numKeyValueHeads: groups,
    headDim: hiddenSize / heads,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    maxPositionEmbeddings: length,
    tieWordEmbeddings: true,
    bosTokenId: 1,
  };
  const shapes = weightShapes(config);
  const values = new Float32Array(file.buffer.slice(file.byteOffset + 28, file.byteOffset + file.length));
  const read: Record<string, Weights[string]> = {};
  let start = 0;
  for (const part of ORDER) {
    for (const name of Object.keys(shapes).filter((each) => each.includes(part))) {
      const shape = shapes[name]!;
      const data = values.slice(start, start + sizeOf(shape));
      // Its rotary embedding turns neighbours, as that of llama.cpp.
      if (part === 'q_proj' || part === 'k_proj') deinterleaveHeads(data, config.headDim, hiddenSize);
      read[name] = float32(shape, data);
      start += data.length;
    }
  }
  // Two tables of rotations follow, which are computed here.
  const rest = values.length - start - length * config.headDim;
  if (rest !== 0) throw new Error(`${path}: ${rest} numbers are left`);
  return { config, weights: Object.fromEntries(Object.keys(shapes).map((name) => [name, read[name]!])) };
}

/**
 * The decoder of a tokenizer of llama2.c: int32 of the longest token, then float32 score, int32 length and the bytes
 * of each token. `<0x0A>` is that byte, and a space right after the start of a text is dropped.
 *
 * Source: https://github.com/karpathy/llama2.c/blob/master/run.c (build_tokenizer, decode)
 */
export function readLlama2cDecoder(path: string): (ids: readonly number[]) => string {
  const file = readFileSync(path);
  const pieces: Buffer[] = [];
  for (let at = 4; at < file.length; ) {
    const length = file.readInt32LE(at + 4);
    const piece = file.subarray(at + 8, at + 8 + length);
    const byte = /^<0x([0-9A-F]{2})>$/.exec(piece.toString());
    pieces.push(byte === null ? piece : Buffer.from(byte[1]!, 'hex'));
    at += 8 + length;
  }
  return (ids) => Buffer.concat(ids.map((id) => pieces[id]!)).toString().replace(/^ /, '');
}
