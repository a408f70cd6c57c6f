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
import { planOf as rlhfPlan } from '../rlhf/study.mjs';
import { summarize as summarizeRlhf } from '../rlhf/summary.mjs';
import { paper as adaptation } from '../task-adaptation/recipes/paper.mjs';
import { planOf as adaptationPlan } from '../task-adaptation/study.mjs';
import { summarize as summarizeAdaptation } from '../task-adaptation/summary.mjs';
import { runGrid } from './grid/run-grid.mjs';

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
const small = (recipe, data) => ({
  ...recipe,
  source: { ...recipe.source, directory },
  maxLength: 1000,
  seeds: [1],
  data: { ...recipe.data, unlabeled: 12, labeled: 12, test: 6, ...data },
});

async function computed({ targets }) {
  const module = new URL('stages.mjs', import.meta.url).href;
  const { resultOf } = await runGrid({
    module,
    targets,
    directory: join(directory, 'stages'),
    label: 'files',
  });
  return resultOf;
}

it('the RLHF study runs on files', async () => {
  const recipe = {
    ...small(rlhf, { demonstrations: 12, prompts: 12, validation: 4 }),
    ppo: { ...rlhf.ppo, steps: 3, valueOnlySteps: 1, batchSize: 4, maxNewTokens: 6, evaluateEvery: 2 },
    bestOfN: { prompts: 4, samples: 3, sizes: [1, 3] },
    primary: { ...rlhf.primary, n: 3 },
  };
  const plan = rlhfPlan(recipe);
  const resultOf = await computed(plan);
  for (const { run } of plan.cells) {
    const { curve } = resultOf(run);
    expect(curve.map(({ step, oracle }) => [step, oracle.length])).toEqual([
      [0, 6],
      [2, 6],
      [3, 6],
    ]);
  }
  for (const found of summarizeRlhf(recipe, plan, resultOf).primary) expect(found.mean).not.toBeNaN();
}, 600_000);

it('the adaptation study runs on files', async () => {
  const task = { summary: 18, harmlessness: 20 };
  const recipe = { ...small(adaptation, { task }), unit: 6, units: [0, 1, 3] };
  const plan = adaptationPlan(recipe);
  const resultOf = await computed(plan);
  expect(plan.cells).toHaveLength(2 * (4 * 3 + 1));
  for (const { test } of plan.cells) expect(resultOf(test).correct).toHaveLength(6);
  expect(summarizeAdaptation(recipe, plan, resultOf).primary.mean).not.toBeNaN();
}, 600_000);
