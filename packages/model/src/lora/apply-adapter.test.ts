import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, float32, int32 } from '@gram/engine';
import { maxRelativeDifference } from '@gram/engine/testing';
import type * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withHead } from '../config/model-config.js';
import { weightShapes } from '../config/weight-shapes.js';
import { values } from '../decoder/heads.js';
import type { WeightTensors } from '../decoder/model-tensors.js';
import { readCompanions } from '../directory/companions.js';
import type { GramMetadata } from '../directory/gram-metadata.js';
import { type LoadedModel, loadModel, saveModel } from '../directory/model-directory.js';
import { initWeights } from '../init.js';
import { readSafetensors } from '../safetensors/read.js';
import { writeSafetensors } from '../safetensors/write.js';
import { type Adapter, initAdapter } from './adapter.js';
import { saveAdapter } from './adapter-directory.js';
import { decoderHash } from './adapter-notes.js';
import { applyAdapter } from './apply-adapter.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
let state = 11;
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gram-apply-'));
});
afterEach(() => rm(root, { recursive: true }));

const base = await loadModel(at('../__fixtures__/qwen2'));

/** An adapter that changes something. */
function adapterOf({ config, weights }: Pick<LoadedModel, 'config' | 'weights'>): Adapter {
  const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'up_proj'] } as const;
  const fresh = initAdapter(config, lora, weights, { uniform });
  const drawn = Object.entries(fresh).map(([name, { shape, data }]) => [
    name,
    float32(
      shape,
      data.map(() => uniform() - 0.5),
    ),
  ]);
  return { lora, weights: Object.fromEntries(drawn) };
}

const judge: GramMetadata = {
  format: 1,
  kind: 'generative',
  judgePrompt: 'gram-eval-1',
  chat: 'x',
  maxLength: 60,
};

describe('an adapter that gram wrote', () => {
  const save = async (of: LoadedModel, gram: GramMetadata, files = {}) => {
    const options = { baseModel: 'models/base', base: decoderHash(base.weights), gram, files };
    await saveAdapter(join(root, 'adapter'), adapterOf(of), of.config, options);
    return join(root, 'adapter');
  };

  it('makes the judge that it was trained to be, with its files', async () => {
    const own = { tokenizerJson: '{"own":1}', chatTemplate: 'own' };
    const dir = await save(base, judge, own);
    const files = { tokenizerJson: '{"base":1}', tokenizerConfigJson: '{}', generationConfigJson: '{"a":1}' };
    const merged = await applyAdapter({ model: base, files }, dir);
    expect(merged.model.gram).toEqual(judge);
    // A base's tokenizer_config.json does not belong to another tokenizer.
    expect(merged.files).toEqual({ ...own, generationConfigJson: '{"a":1}' });
    const q = 'model.layers.0.self_attn.q_proj.weight';
    expect(merged.model.weights[q]!.data).not.toEqual(base.weights[q]!.data);
  });

  it.each([{}, { scoreHead: { hiddenSize: 3 } }, { keepsLanguageHead: true }])(
    'puts the score head %j on a language model',
    async (head) => {
      const config = { ...withHead(base.config, 'score'), ...head };
      const drawn = initWeights(config, { normal: uniform });
      const scorer = { ...base, config, weights: { ...drawn, ...base.weights } };
      const gram = { ...judge, kind: 'discriminative' } as const;
      const dir = await save(scorer, gram);
      const { model } = await applyAdapter({ model: base, files: {} }, dir);
      expect(model).toMatchObject({ config, gram });
      expect(Object.keys(model.weights)).toEqual(Object.keys(weightShapes(config)));
      await saveModel(join(root, 'merged'), { ...model });
      expect(await loadModel(join(root, 'merged'))).toMatchObject({ config: model.config, gram });
    },
  );

  it('is no model by itself', async () => {
    await expect(loadModel(await save(base, judge))).rejects.toMatchObject({
      code: 'file-missing',
      message: expect.stringContaining('holds an adapter and no model'),
    });
  });

  it('is refused over other weights, and a second time', async () => {
    const dir = await save(base, judge);
    const name = 'model.norm.weight';
    const { shape, data } = base.weights[name]!;
    const changed = { ...base.weights, [name]: float32(shape, data.with(3, 0.5)) };
    await expect(
      applyAdapter({ model: { ...base, weights: changed }, files: {} }, dir),
    ).rejects.toMatchObject({
      code: 'bad-adapter',
      message: expect.stringContaining('over other weights than those of'),
      hint: expect.stringContaining('"models/base"'),
    });
    const { model } = await applyAdapter({ model: base, files: {} }, dir);
    await saveModel(join(root, 'merged'), { ...model });
    const again = await loadModel(join(root, 'merged'));
    await expect(applyAdapter({ model: again, files: {} }, dir)).rejects.toMatchObject({
      code: 'bad-adapter',
      message: expect.stringContaining('already merged'),
    });
  });

  it('is refused with broken notes', async () => {
    const dir = await save(base, judge);
    const path = join(dir, 'gram_adapter.json');
    const notes = JSON.parse(await readFile(path, 'utf8'));
    for (const [change, message] of [
      [{ format: 2 }, 'only format 1'],
      [{ base: 'x' }, 'base: is not a SHA-256'],
      [{ model: { ...judge, kind: 'oracle' } }, 'model: kind'],
    ] as const) {
      await writeFile(path, JSON.stringify({ ...notes, ...change }));
      await expect(applyAdapter({ model: base, files: {} }, dir)).rejects.toMatchObject({
        code: 'bad-metadata',
        message: expect.stringContaining(message),
      });
    }
  });
});

// Made by tools/make-lora-fixtures.py with PEFT.
describe('an adapter of others', async () => {
  const directory = at('./__fixtures__/qwen3-reward');
  const scorer = await loadModel(at('../__fixtures__/qwen3-reward'));
  const expected = JSON.parse(await readFile(join(directory, 'expected.json'), 'utf8'));
  const { 'score.weight': _, ...decoder } = scorer.weights;
  const language: LoadedModel = {
    ...scorer,
    config: { ...withHead(scorer.config, 'next-token'), tieWordEmbeddings: true },
    weights: decoder,
  };

  /** The rewards of the merged model. */
  async function rewards(model: LoadedModel) {
    const run = compile((inputs: { weights: WeightTensors; tokens: tf.Tensor2D; last: tf.Tensor1D }) => ({
      values: values(model.config, inputs.weights, inputs.tokens, inputs.last),
    }));
    const tokens = int32([2, 11], expected.tokens.flat());
    const out = await run({ weights: model.weights, tokens, last: int32([2], [10, 10]) });
    run.dispose();
    return out.values;
  }

  it.each([
    ['a model that scores', scorer],
    ['a language model', language],
  ])('brings its score head to %s', async (__, model) => {
    const merged = await applyAdapter({ model, files: {} }, directory);
    const wanted = float32([2], expected.logits);
    expect(merged.model.config.architecture).toBe('Qwen3ForSequenceClassification');
    expect(maxRelativeDifference(await rewards(merged.model), wanted)).toBeLessThan(1e-5);
    await expect(applyAdapter(merged, directory)).rejects.toThrow('already merged');
  });

  it('leaves out a judging prompt that belongs to the head of the base', async () => {
    const { model } = await applyAdapter({ model: { ...language, gram: judge }, files: {} }, directory);
    expect(model.gram).toBeUndefined();
    const same = await applyAdapter(
      { model: { ...base, gram: judge }, files: {} },
      at('./__fixtures__/qwen2'),
    );
    expect(same.model.gram).toEqual(judge);
  });

  it('is read with the names of older versions', async () => {
    const dir = join(root, 'adapter');
    await cp(directory, dir, { recursive: true });
    const path = join(dir, 'adapter_model.safetensors');
    const { tensors } = await readSafetensors(path);
    const wrapped = Object.entries(tensors).flatMap(([name, tensor]) => {
      if (!name.endsWith('score.weight'))
        return [[name.replace('.weight', '.default.weight'), tensor] as const];
      const parts = ['modules_to_save.default', 'original_module'];
      return parts.map((part) => [name.replace('score.', `score.${part}.`), tensor] as const);
    });
    await writeSafetensors(path, Object.fromEntries(wrapped));
    const { model } = await applyAdapter({ model: language, files: {} }, dir);
    expect(maxRelativeDifference(await rewards(model), float32([2], expected.logits))).toBeLessThan(1e-5);
  });

  it('is refused by names and shapes where the base is another model', async () => {
    await expect(applyAdapter({ model: base, files: {} }, directory)).rejects.toMatchObject({
      code: 'bad-adapter',
      message: expect.stringContaining('of the wrong shape'),
      hint: 'use the base of the adapter, which it calls "qwen3-reward"',
    });
  });

  it('is refused where it is not finite', async () => {
    const dir = join(root, 'adapter');
    await cp(directory, dir, { recursive: true });
    const path = join(dir, 'adapter_model.safetensors');
    const { tensors } = await readSafetensors(path);
    const [name] = Object.keys(tensors);
    const { shape, data } = tensors[name!]!;
    await writeSafetensors(path, { ...tensors, [name!]: float32(shape, data.with(0, Number.NaN)) });
    await expect(applyAdapter({ model: scorer, files: {} }, dir)).rejects.toMatchObject({
      code: 'bad-weights',
    });
    expect(await readCompanions(dir)).toEqual({});
  });
});
