import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadGguf } from '@gram/model';
import { mutateBytes } from '../mutate.mjs';
import { describeArrays, tokenizer, weights } from './tiny.mjs';

const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const f32 = (value) => Buffer.from(Float32Array.of(value).buffer);
const characters = (value) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
/** Values with the number of their type before them. */
const count = (value) => Buffer.concat([u32(4), u32(value)]);
const real = (value) => Buffer.concat([u32(6), f32(value)]);
const text = (value) => Buffer.concat([u32(8), characters(value)]);
const list = (type, items) => Buffer.concat([u32(9), u32(type), u64(items.length), ...items]);

const NAMES = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

export const gguf = {
  name: 'gguf',
  title: 'GGUF',
  async open(folder) {
    const path = join(folder, 'model.gguf');
    const { bytes: original, headerBytes } = file();
    writeFileSync(path, original);
    const describe = ({ config, weights: found, tokenizerJson, chatTemplate }) =>
      `${JSON.stringify([config, tokenizerJson, chatTemplate])}\n${describeArrays(found)}`;
    const answer = describe(await loadGguf(path));
    return {
      answer,
      mutate: (random) =>
        mutateBytes(random, original, { within: random.integer(4) ? headerBytes : original.length }),
      async read(bytes) {
        writeFileSync(path, bytes);
        return describe(await loadGguf(path));
      },
      // Changed bytes are another model, as the format has no sums. Bytes behind the last tensor must change nothing.
      unexplained: (bytes, found) =>
        bytes.subarray(0, original.length).equals(original) ? found : undefined,
    };
  },
};

/** A Llama of one layer as llama.cpp stores it, with a byte-level tokenizer and a chat template. */
function file() {
  const { vocab, merges } = tokenizer.model;
  const tokens = Object.keys(vocab).sort((a, b) => vocab[a] - vocab[b]);
  const special = new Set(tokenizer.added_tokens.map(({ content }) => content));
  const metadata = {
    'general.architecture': text('llama'),
    'llama.embedding_length': count(8),
    'llama.feed_forward_length': count(8),
    'llama.block_count': count(1),
    'llama.attention.head_count': count(2),
    'llama.attention.head_count_kv': count(2),
    'llama.attention.layer_norm_rms_epsilon': real(1e-5),
    'llama.context_length': count(512),
    'llama.rope.freq_base': real(10_000),
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text('gpt-2'),
    'tokenizer.ggml.tokens': list(8, tokens.map(characters)),
    'tokenizer.ggml.token_type': list(
      5,
      tokens.map((token) => u32(special.has(token) ? 3 : 1)),
    ),
    'tokenizer.ggml.merges': list(
      8,
      merges.map((merge) => characters([merge].flat().join(' '))),
    ),
    'tokenizer.ggml.eos_token_id': count(1),
    'tokenizer.chat_template': text('{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}'),
  };
  let offset = 0;
  const tensors = Object.entries(weights).map(([name, { shape, data }]) => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const padded = Buffer.concat([bytes, Buffer.alloc((32 - (bytes.length % 32)) % 32)]);
    const [, layer, part] = /^(?:model\.layers\.(\d+)\.)?(.+)\.weight$/.exec(name);
    const info = Buffer.concat([
      characters(`${layer === undefined ? '' : `blk.${layer}.`}${NAMES[part]}.weight`),
      u32(shape.length),
      ...shape.toReversed().map(u64),
      u32(0),
      u64(offset),
    ]);
    offset += padded.length;
    return { info, padded };
  });
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(Object.keys(metadata).length),
    ...Object.entries(metadata).flatMap(([key, value]) => [characters(key), value]),
    ...tensors.map(({ info }) => info),
  ]);
  const start = Buffer.concat([header, Buffer.alloc((32 - (header.length % 32)) % 32)]);
  return {
    bytes: Buffer.concat([start, ...tensors.map(({ padded }) => padded)]),
    headerBytes: header.length,
  };
}
