// Writes a model of the shape of Qwen3 1.7B with random weights in bfloat16, for measurements of memory: 3.4 GB.
// Usage: node bench/memory/random-model.mjs DIRECTORY TOKENIZER-DIRECTORY
import { copyFile, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig, weightShapes } from '@gram/model';

const [directory, tokenizer] = process.argv.slice(2);
if (tokenizer === undefined) throw new Error('give a directory to write, and one that has tokenizer.json');

const json = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  hidden_act: 'silu',
  attention_bias: false,
  hidden_size: 2048,
  intermediate_size: 6144,
  num_hidden_layers: 28,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 128,
  vocab_size: 151_936,
  max_position_embeddings: 40_960,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
};

const shapes = Object.entries(weightShapes(parseConfig(json, 'config.json')));
const sizeOf = (shape) => shape.reduce((size, n) => size * n, 1);
let position = 0;
const entries = shapes.map(([name, shape]) => {
  const start = position;
  position += 2 * sizeOf(shape);
  return [name, { dtype: 'BF16', shape, data_offsets: [start, position] }];
});
const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
const prefix = new Uint8Array(8);
new DataView(prefix.buffer).setBigUint64(0, BigInt(text.length), true);

/** Bits of numbers of both signs with magnitudes from 1/128 to 1/32, or of ones for a norm. */
let state = 12345;
function fill(bits, isNorm) {
  if (isNorm) return bits.fill(0x3f80);
  for (let i = 0; i < bits.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bits[i] = ((state >>> 16) & 0x80ff) | 0x3c00;
  }
  return bits;
}

await mkdir(directory, { recursive: true });
const handle = await open(join(directory, 'model.safetensors'), 'w');
await handle.writeFile(prefix);
await handle.writeFile(text);
const piece = new Uint16Array(1 << 22);
for (const [, shape] of shapes) {
  for (let left = sizeOf(shape); left > 0; left -= piece.length) {
    await handle.writeFile(fill(piece.subarray(0, Math.min(left, piece.length)), shape.length === 1));
  }
}
await handle.close();
await writeFile(join(directory, 'config.json'), JSON.stringify(json, null, 2));
for (const name of ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja']) {
  await copyFile(join(tokenizer, name), join(directory, name));
}
