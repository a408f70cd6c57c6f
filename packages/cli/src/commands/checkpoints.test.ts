import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom, printableLines } from '@gram/base';
import {
  createGenerator,
  initAdapter,
  initWeights,
  loadModel,
  type ModelConfig,
  mergeAdapter,
  saveAdapter,
  saveModel,
} from '@gram/model';
import { plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram } from '../__fixtures__/run.js';
import { createStopFilter } from './generate.js';

const gguf = fileURLToPath(new URL('../../../model/src/gguf/__fixtures__/qwen3.gguf', import.meta.url));
const tokenizer = tokenizerFromJson(
  trainBpe({
    texts: ['the cat sat on the mat and the dog sat on the log '.repeat(20)],
    vocabSize: 300,
    specialTokens: plainChat.specialTokens,
  }),
);
const config: ModelConfig = {
  architecture: 'Qwen3ForCausalLM',
  vocabSize: tokenizer.vocabSize,
  hiddenSize: 32,
  intermediateSize: 64,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 16,
  rmsNormEps: 1e-6,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 128,
  tieWordEmbeddings: false,
  eosTokenId: tokenizer.tokenId(plainChat.end),
};
const weights = initWeights(config, createRandom(1, 'weights'), 0.4);
const chatTemplate =
  "{% for m in messages %}{{ '<|' + m.role + '|>' if m.role != 'system' else '' }}{{ m.content }}" +
  "{% if m.role == 'assistant' %}<|end|>{% endif %}{% endfor %}" +
  '{% if add_generation_prompt %}<|assistant|>{% endif %}';

let root: string;
const at = (name: string) => join(root, name);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gram-checkpoints-'));
  await saveModel(at('model'), { config, weights, tokenizerJson: tokenizer.json, chatTemplate });
  const { 'lm_head.weight': _, ...body } = weights;
  const score = initWeights(
    { ...config, architecture: 'Qwen3ForSequenceClassification' },
    createRandom(2, 'w'),
  );
  await saveModel(at('scorer'), {
    config: { ...config, architecture: 'Qwen3ForSequenceClassification' },
    weights: { ...body, 'score.weight': score['score.weight']! },
    tokenizerJson: tokenizer.json,
  });
});
afterAll(() => rm(root, { recursive: true }));

async function expectRefusal(argv: string[], message: RegExp, status = 1): Promise<void> {
  const outcome = await gram(argv);
  expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({ status, stdout: '' });
  expect(outcome.stderr).toMatch(/^gram: [^\n]*; [^\n]*\n$/);
  expect(outcome.stderr).toMatch(message);
}

describe('gram inspect', () => {
  it('says what a model is, what it takes and how long, without loading it', async () => {
    const { status, stdout, stderr } = await gram(['inspect', at('model')]);
    expect(status, stderr).toBe(0);
    for (const text of ['Qwen3ForCausalLM', 'weights, int4', 'tensors F32', 'language model', '128 tokens']) {
      expect(stdout).toContain(text);
    }
    expect(stdout).toMatch(/^cpu +[\d.]+(e-\d+)? s +[\d.e+]+ tokens\/s$/m);
  });

  it('prints JSON of a GGUF file', async () => {
    const { status, stdout } = await gram(['inspect', gguf, '--json']);
    expect(status).toBe(0);
    const info = JSON.parse(stdout);
    expect(info).toMatchObject({ path: gguf, config: { architecture: 'Qwen3ForCausalLM' } });
    expect(info.weightBytes.int8).toBeLessThan(info.weightBytes.float32);
    expect(
      info.devices.find(({ device }: { device: string }) => device === 'cpu').secondsPerPair,
    ).toBeGreaterThan(0);
  });

  it('refuses what is not a model, by name', async () => {
    await expectRefusal(['inspect'], /MODEL is missing/, 2);
    await expectRefusal(['inspect', at('absent')], /absent does not exist/);
    await mkdir(at('odd'), { recursive: true });
    await writeFile(join(at('odd'), 'config.json'), JSON.stringify({ model_type: 'gemma' }));
    await expectRefusal(['inspect', at('odd')], /model_type: only "llama"/);
  });
});

describe('gram generate', () => {
  const ask = (...more: string[]) =>
    gram(['generate', '--model', at('model'), '--prompt', 'the cat', '--max-new-tokens', '12', ...more]);

  it('writes what the generator gives after the chat template', async () => {
    const { status, stdout, stderr } = await ask();
    expect(status, stderr).toBe(0);
    const generator = createGenerator({ config, weights });
    const ids = await tokenizer.encodeTemplate('<|user|>the cat<|assistant|>');
    const stop = tokenizer.tokenId('<|end|>')!;
    const [completions] = await generator.generate([{ ids, decodings: [{ temperature: 0 }] }], {
      maxNewTokens: 12,
      stopIds: [stop],
    });
    generator.dispose();
    const text = await tokenizer.decode(completions![0]!.ids.filter((id) => id !== stop));
    expect(stdout).toBe(`${printableLines(text)}\n`);
    const json = JSON.parse((await ask('--json')).stdout);
    expect(json).toMatchObject({ promptTokens: ids.length, answers: [{ text, ids: completions![0]!.ids }] });
    expect(json.answers[0].logProbabilities).toHaveLength(completions![0]!.ids.length);
  });

  it('answers a conversation of a file, with all of its turns', async () => {
    const asked = ['generate', '--model', at('model'), '--max-new-tokens', '4', '--json'];
    const messages = [
      { role: 'user', content: 'the cat' },
      { role: 'assistant', content: 'the dog' },
      { role: 'user', content: 'the sun' },
    ];
    await writeFile(at('turns.jsonl'), JSON.stringify({ messages }));
    const { status, stdout, stderr } = await gram([...asked, '--prompt-file', at('turns.jsonl')]);
    expect(status, stderr).toBe(0);
    const ids = await tokenizer.encodeTemplate(
      '<|user|>the cat<|assistant|>the dog<|end|><|user|>the sun<|assistant|>',
    );
    expect(JSON.parse(stdout).promptTokens).toBe(ids.length);
    await writeFile(at('one.jsonl'), JSON.stringify({ prompt: 'the cat' }));
    const one = await gram([...asked, '--prompt-file', at('one.jsonl')]);
    expect(one.stdout).toBe((await gram([...asked, '--prompt', 'the cat'])).stdout);
    await expectRefusal(asked, /gram generate needs one prompt/, 2);
    await expectRefusal([...asked, '--plain', '--prompt-file', at('turns.jsonl')], /--plain has no turns/, 2);
  });

  it('writes the same on another device, and refuses one that there is not', async () => {
    expect((await ask('--device', 'auto')).stdout).toBe((await ask()).stdout);
    const { status, stdout, stderr } = await ask('--device', 'abacus');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^gram: --device cannot be "abacus"; [^\n]*webgpu[^\n]*\n$/);
  });

  it('draws the same samples with the same seed, others with another', async () => {
    const draw = async (seed: string) =>
      (await ask('--temperature', '1', '--top-p', '0.9', '--samples', '3', '--seed', seed)).stdout;
    const first = await draw('1');
    expect(first.match(/^--- \d of 3$/gm)).toHaveLength(3);
    expect(await draw('1')).toBe(first);
    expect(await draw('2')).not.toBe(first);
  });

  it('goes on from plain text, with a system turn, with 8 bits, and stops at a text', async () => {
    const whole: string = JSON.parse((await ask('--json')).stdout).answers[0].text;
    const stop = whole.slice(2, 5);
    expect((await ask('--stop', stop)).stdout).toBe(
      `${printableLines(whole.slice(0, whole.indexOf(stop)))}\n`,
    );
    const system = await ask('--system', 'sat on', '--json');
    expect(JSON.parse(system.stdout).promptTokens).toBeGreaterThan(
      JSON.parse((await ask('--json')).stdout).promptTokens,
    );
    expect(JSON.parse((await ask('--plain', '--json')).stdout).promptTokens).toBe(
      (await tokenizer.encode('the cat')).length,
    );
    expect((await ask('--precision', 'int8')).status).toBe(0);
  });

  it('lays an adapter over a model', async () => {
    const lora = { rank: 4, alpha: 16, targets: ['q_proj', 'up_proj'] as const };
    const adapter = initAdapter(config, lora, weights, createRandom(3, 'adapter'));
    const random = createRandom(4, 'b');
    for (const { data } of Object.values(adapter))
      for (let i = 0; i < data.length; i++) data[i] = random.normal();
    await saveAdapter(at('adapter'), { lora, weights: adapter }, config);
    await saveModel(at('merged'), {
      config,
      weights: mergeAdapter(config, lora, weights, adapter),
      tokenizerJson: tokenizer.json,
      chatTemplate,
    });
    const adapted = await ask('--adapter', at('adapter'));
    const merged = await gram([
      'generate',
      '--model',
      at('merged'),
      '--prompt',
      'the cat',
      '--max-new-tokens',
      '12',
    ]);
    expect(adapted.status, adapted.stderr).toBe(0);
    expect(adapted.stdout).toBe(merged.stdout);
    expect(adapted.stdout).not.toBe((await ask()).stdout);
  });

  it('refuses what cannot be done, in one line', async () => {
    const model = ['generate', '--prompt', 'x', '--model'];
    await expectRefusal([...model, at('scorer')], /scores texts and writes none/);
    await expectRefusal([...model, at('model'), '--temperature', 'hot'], /--temperature cannot be "hot"/, 2);
    await expectRefusal([...model, at('model'), '--top-p', '1.5'], /topP is 1.5/);
    await expectRefusal([...model, at('model'), '--plain', '--system', 'y'], /--plain has no system turn/, 2);
    await expectRefusal(
      ['generate', '--model', at('model'), '--prompt', 'z '.repeat(300)],
      /is made for 128/,
    );
    await saveModel(at('bare'), { config, weights, tokenizerJson: tokenizer.json });
    await expectRefusal([...model, at('bare')], /has no chat template/);
  });
});

describe('createStopFilter', () => {
  it('passes on the text before the first stop text, however it arrives', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 12 }),
        fc.array(
          letters.filter((text) => text !== ''),
          { maxLength: 3 },
        ),
        (parts, stops) => {
          let written = '';
          const filter = createStopFilter(stops, (text) => {
            written += text;
          });
          for (const part of parts) filter.add(part);
          filter.end();
          const whole = parts.join('');
          const ends = stops.map((stop) => whole.indexOf(stop)).filter((index) => index >= 0);
          // A stop text that starts earlier may end later; the filter stops at what it sees first.
          const first = Math.min(
            ...stops.map((stop) => (whole.includes(stop) ? whole.indexOf(stop) + stop.length : Infinity)),
          );
          if (ends.length === 0) expect(written).toBe(whole);
          else {
            expect(whole.startsWith(written)).toBe(true);
            expect(written.length).toBeLessThanOrEqual(first);
            for (const stop of stops) expect(written).not.toContain(stop);
          }
        },
      ),
    );
  });
});

describe('gram convert', () => {
  it('writes a GGUF file as a directory, rounded, with graphs beside it', async () => {
    const out = at('converted');
    const argv = ['convert', gguf, out, '--dtype', 'bfloat16', '--onnx', 'generator'];
    const { status, stdout, stderr } = await gram(argv);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/Qwen3ForCausalLM, [\d,]+ parameters, bfloat16/);
    const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'prompt.onnx', 'next.onnx'];
    expect(await readdir(out)).toEqual(expect.arrayContaining(names));
    const [before, after] = [await loadModel(gguf), await loadModel(out)];
    expect(after.config).toEqual(before.config);
    const name = 'model.layers.0.mlp.up_proj.weight';
    const [a, b] = [before.weights[name]!.data, after.weights[name]!.data];
    for (const [i, value] of a.entries())
      expect(Math.abs(b[i]! - value)).toBeLessThanOrEqual(Math.abs(value) / 256);
    // Again, without the graphs: they would not belong to the new weights.
    expect((await gram(['convert', gguf, out])).status).toBe(0);
    expect(await readdir(out)).not.toContain('next.onnx');
  });

  it('keeps the files beside the weights', async () => {
    const out = at('copy');
    expect((await gram(['convert', at('model'), out, '--onnx', 'judge'])).status).toBe(0);
    for (const name of [
      'tokenizer.json',
      'tokenizer_config.json',
      'chat_template.jinja',
      'generation_config.json',
    ]) {
      expect(await readFile(join(out, name), 'utf8')).toBe(await readFile(join(at('model'), name), 'utf8'));
    }
    expect(await readdir(out)).toContain('judge.onnx');
  });

  it('refuses what it cannot write, and leaves it alone', async () => {
    await mkdir(at('mine'));
    await writeFile(join(at('mine'), 'notes.txt'), 'mine');
    await expectRefusal(['convert', at('model'), at('mine')], /holds "notes.txt"/);
    expect(await readdir(at('mine'))).toEqual(['notes.txt']);
    await expectRefusal(['convert', at('model')], /OUTPUT is missing/, 2);
    await expectRefusal(['convert', at('model'), at('x'), at('y')], /unexpected argument/, 2);
    await expectRefusal(['convert', at('model'), at('x'), '--dtype', 'float16'], /did you mean/, 2);
  });
});
