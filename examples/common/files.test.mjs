import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { writeJsonl } from '@gram/data';
import { initWeights, saveModel } from '@gram/model';
import { plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { paper as rlhf } from '../rlhf/recipes/paper.mjs';
import { summarize } from '../rlhf/report.mjs';
import * as rlhfStudy from '../rlhf/study.mjs';
import { paper as adaptation } from '../task-adaptation/recipes/paper.mjs';
import * as adaptationStudy from '../task-adaptation/study.mjs';
import { openMaterials } from './materials.mjs';

// The paper's configurations with sizes for a test: the same code reads a model and data from files and runs the study.
const directory = mkdtempSync(join(tmpdir(), 'gram-files-'));
afterAll(() => rmSync(directory, { recursive: true }));

beforeAll(async () => {
  const world = createWorld({ seed: 3 });
  const tokenizer = tokenizerFromJson(
    trainBpe({ texts: world.corpus(200), vocabSize: 500, specialTokens: plainChat.specialTokens }),
  );
  const config = {
    architecture: 'LlamaForCausalLM',
    vocabSize: tokenizer.vocabSize,
    hiddenSize: 32,
    intermediateSize: 48,
    numHiddenLayers: 1,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
    headDim: 8,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 1024,
    tieWordEmbeddings: true,
  };
  const common = { format: 1, chat: plainChat.id, maxLength: 1024 };
  const save = (name, of, gram) =>
    saveModel(join(directory, name), {
      config: of,
      weights: initWeights(of, createRandom(1, name), 0.2),
      gram: { ...common, ...gram },
      tokenizerJson: tokenizer.json,
    });
  await save(rlhf.source.model, config, { kind: 'policy' });
  await save(
    rlhf.source.oracle,
    { ...config, architecture: 'LlamaForSequenceClassification' },
    { kind: 'discriminative', judgePrompt: 'gram-eval-1' },
  );
  const write = (name, records) => writeJsonl(join(directory, name), records);
  await write('unified-feedback.jsonl.gz', world.labeledPairs(24));
  const alpaca = world
    .demonstrations(24)
    .map(({ prompt, response }) => ({ instruction: prompt, output: response }));
  for (const { path } of [rlhf.source.demonstrations, ...Object.values(rlhf.source.prompts)]) {
    writeFileSync(join(directory, path), JSON.stringify(alpaca));
  }
  for (const side of ['train', 'test']) {
    const pairs = world.adaptationPairs('summary', side, 24);
    await write(`summaries-${side}.jsonl.gz`, pairs);
    const transcript = (prompt, text) => `\n\nHuman: ${prompt}\n\nAssistant: ${text}`;
    await write(
      `harmless-base-${side}.jsonl.gz`,
      pairs.map(({ prompt, chosen, rejected }) => ({
        chosen: transcript(prompt, chosen),
        rejected: transcript(prompt, rejected),
      })),
    );
  }
});

/** Small numbers in the place of large ones; everything else stays as the paper has it. */
const small = (recipe) => ({
  ...recipe,
  source: { ...recipe.source, directory },
  maxLength: 1000,
  data: {
    ...recipe.data,
    unlabeled: 12,
    labeled: 12,
    demonstrations: 12,
    prompts: 12,
    validation: 4,
    test: 6,
  },
});

it('the RLHF study runs on files', async () => {
  const recipe = {
    ...small(rlhf),
    ppo: { ...rlhf.ppo, steps: 3, valueOnlySteps: 1, batchSize: 4, maxNewTokens: 6, evaluateEvery: 2 },
    grpo: { ...rlhf.grpo, batchSize: 2, samplesPerPrompt: 2 },
    bestOfN: { prompts: 4, samples: 3, sizes: [1, 3] },
  };
  const materials = await openMaterials(recipe, 1);
  const outcome = await rlhfStudy.runSeed(materials, recipe, 1, join(directory, 'out'));
  expect(outcome.results.map(({ name }) => name)).toHaveLength(4);
  for (const { curve, best } of outcome.results) {
    expect(curve.map(({ step }) => step)).toEqual([0, 2, 3]);
    expect(best.rewards.oracle).toHaveLength(6);
  }
  const { sentences, runs } = summarize([outcome]);
  expect(sentences).toHaveLength(4);
  for (const run of runs) expect(Number.isFinite(run.gain.difference)).toBe(true);
});

it('the adaptation study runs on files', async () => {
  const recipe = { ...small(adaptation), unit: 6, units: [0, 1, 3] };
  const materials = await openMaterials(recipe, 1);
  const { points } = await adaptationStudy.runSeed(materials, recipe, 1);
  expect(points).toHaveLength(2 * 4 * 3);
  for (const { correct } of points) expect(correct).toHaveLength(6);
});
