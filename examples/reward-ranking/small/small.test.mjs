import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conversationText, createRandom } from '@gram/base';
import { initWeights, saveModel } from '@gram/model';
import { plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import { pairGeneration } from '@gram/train';
import { runGrid } from '@gram-examples/common/grid/run-grid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { short } from '../recipes/short.mjs';
import { small } from '../recipes/small.mjs';
import { answer, LEAKED, list, question, writeFiles } from './__fixtures__/files.mjs';
import { costsOf } from './costs.mjs';
import { learn } from './learn.mjs';
import { choose, planOf, testsOf } from './plan.mjs';
import { accuracyTable, effectTable, piecesSentence, primarySentence, smallPage } from './report.mjs';
import { ELSEWHERE, summarize } from './summary.mjs';
import { HELD_OUT, readTexts } from './texts.mjs';

const directory = mkdtempSync(join(tmpdir(), 'gram-small-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The recipe with a handful of everything: the same stages, arms and report. */
const tiny = {
  ...small,
  source: { ...small.source, directory, model: 'model' },
  texts: { ...small.texts, test: { ...small.texts.test, pairs: 2 } },
  maxLength: 256,
  reading: { ...small.reading, batchSize: 4 },
  judging: Object.fromEntries(
    Object.entries(small.judging).map(([readout, training]) => [
      readout,
      { ...training, batchSize: 4, epochs: { 4: 1, all: 1 } },
    ]),
  ),
  judges: [
    { labels: 0, starts: ['base', 'stage-1', 'control'], seeds: [0] },
    { labels: 4, starts: ['base', 'stage-1'], seeds: [41, 42] },
    { labels: 'all', starts: ['control'], seeds: [41] },
  ],
  primary: { ...small.primary, labels: 4 },
};

const config = {
  ...{ architecture: 'LlamaForCausalLM', tieWordEmbeddings: true, maxPositionEmbeddings: 512 },
  ...{ hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 1, headDim: 8 },
  ...{ numAttentionHeads: 2, numKeyValueHeads: 1, rmsNormEps: 1e-5, ropeTheta: 10_000 },
};

beforeAll(async () => {
  writeFiles(directory, tiny.source);
  const texts = list(60, () => `Human: ${question()} Assistant: ${answer()} A B`);
  const { specialTokens } = plainChat;
  const tokenizer = tokenizerFromJson(trainBpe({ texts, vocabSize: 400, specialTokens }));
  const whole = { ...config, vocabSize: tokenizer.vocabSize };
  await saveModel(join(directory, 'model'), {
    config: whole,
    weights: initWeights(whole, createRandom(1, 'tiny'), 0.2),
    gram: { format: 1, kind: 'policy', chat: plainChat.id, maxLength: 512 },
    tokenizerJson: tokenizer.json,
  });
});

/** Prompts in a form in which equal ones are equal, without the functions that look for leaks. */
const plain = (text) => conversationText(text).toLowerCase().replace(/\s+/g, ' ').trim();
const promptsOf = (records) => new Set(records.map(({ prompt }) => plain(prompt)));

function expectNoLeaks({ pool, labels, tests }) {
  for (const [name, pairs] of Object.entries(tests)) {
    expect(pairs.length, name).toBeGreaterThan(0);
    const prompts = promptsOf(pairs);
    for (const learned of [pool, labels]) {
      expect(
        [...promptsOf(learned)].filter((prompt) => prompts.has(prompt)),
        name,
      ).toEqual([]);
    }
  }
}

const leaksOf = ({ leaks }) => Object.fromEntries(leaks.map(({ name, equal, near }) => [name, equal + near]));

describe('the texts', () => {
  it('have no prompt of a test in what is learned from', async () => {
    const read = await readTexts(tiny);
    expectNoLeaks(read);
    expect(Object.keys(read.tests)).toEqual(testsOf(tiny));
    const { pool, labels } = read.found;
    expect(leaksOf(pool)).toEqual({ pandalm: 1, 'rm-bench': 1, llmbar: 1, 'hh-rlhf helpful': 1 });
    expect(leaksOf(labels)).toEqual({ 'rm-bench': 1 });
    for (const prompt of Object.values(LEAKED)) expect(promptsOf(read.pool)).not.toContain(plain(prompt));
    expect(read.labels.length + read.tests[HELD_OUT].length).toBe(4 * 12 - 1);
  });

  const real = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
  it.skipIf(!existsSync(real))(
    'have none in the real files, of which many overlap',
    { timeout: 600_000 },
    async () => {
      const source = { ...small.source, directory: real };
      const brief = await readTexts({ ...short, source });
      expectNoLeaks(brief);
      expect(brief.found.pool.pairs).toBe(short.expected.pool);
      expect(brief.found.labels.pairs).toBe(short.expected.labels);
      const read = await readTexts({ ...small, source });
      expectNoLeaks(read);
      const { pool, labels, tests } = read.found;
      expect(tests[HELD_OUT]).toMatchObject({ pairs: 349, prompts: 269 });
      expect(labels).toMatchObject({ pairs: 2845, prompts: 2224 });
      expect(leaksOf(labels)).toEqual({ [HELD_OUT]: 8, 'rm-bench': 19 });
      expect(pool).toMatchObject({ pairs: small.expected.pool, prompts: 1173 });
      expect(leaksOf(pool)).toEqual({
        ...{ [HELD_OUT]: 45, llmbar: 5, webgpt: 1, 'rm-bench': 102 },
        ...{ pandalm: 130, faireval: 46, 'hh-rlhf helpful': 62 },
      });
    },
  );
});

describe('the study on real text', () => {
  const module = new URL('stages.mjs', import.meta.url).href;
  const run = (only) =>
    runGrid({
      module,
      targets: choose(planOf(tiny), only),
      directory: join(directory, 'stages'),
      label: 'small',
    });
  const savedOf = ({ id }) => {
    const path = join(directory, 'stages', id, 'result.json');
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  };
  const found = () => summarize(tiny, (stage) => savedOf(stage)?.result);

  it('runs in pieces, and says what is not there yet', { timeout: 600_000 }, async () => {
    const { total } = await run(['base,0,likelihood,hhh', 'base,0,generative,hhh']);
    expect(total).toBe(4);
    const summary = found();
    expect(summary.points.map(({ readout, group }) => [readout, group])).toEqual([
      ['likelihood', 'hhh'],
      ['generative', 'hhh'],
    ]);
    expect(primarySentence(summary, tiny)).toMatch(/ is not computed yet\.$/);
    expect(piecesSentence(summary)).toMatch(/: 2 of its 174 pieces were computed\.$/);
    expect(() => choose(planOf(tiny), ['base,gold'])).toThrow(/no piece is called "base,gold"/);
  });

  it('runs as a whole', { timeout: 600_000 }, async () => {
    const cells = planOf(tiny);
    await run();
    const kinds = new Map();
    for (const cell of cells) {
      for (const stage of [
        cell.judge,
        ...Object.values(cell.tests),
        ...Object.values(cell.tests.hhh.needs),
      ]) {
        if (stage === undefined) continue;
        kinds.set(stage.kind, (kinds.get(stage.kind) ?? new Set()).add(stage.id));
        expect(savedOf(stage)).toBeDefined();
      }
    }
    expect([...kinds].map(([kind, ids]) => [kind, ids.size]).sort()).toEqual([
      ['judge', 21],
      ['pretrained', 1],
      ['reading', 3],
      ['texts', 1],
      ['verdicts', 29 * 6],
    ]);
    const summary = found();
    const point = summary.points.find(
      ({ start, readout, labels, group }) =>
        [start, readout, labels, group].join() === `stage-1,likelihood,4,${ELSEWHERE}`,
    );
    expect(point).toMatchObject({ runs: 4, seeds: 2 });
    expect(summary.primary).toMatchObject({
      seeds: 2,
      runs: 6,
      starts: ['stage-1', 'base'],
      readout: 'likelihood',
    });
    expect(primarySentence(summary, tiny)).toMatch(
      /is [+-].* points \(95 % interval .* found four times out of five\.$/,
    );
    expect(accuracyTable(summary, tiny).rows).toHaveLength(2 * 3 + 3 * 2 + 3);
    expect(effectTable(summary).rows.length).toBeGreaterThan(0);
    expect(piecesSentence(summary)).toBe('All pieces of the study were computed.');
    expect(smallPage({ recipe: tiny, summary })).toContain('Does learning to write pairs help');
    const costs = costsOf(cells, savedOf);
    expect(costs['reading, pairs']).toMatchObject({ stages: 2 });
    expect(costs['reading, pairs'].count).toBeGreaterThan(1000);
  });

  it('learns the same when it is stopped on the way', async () => {
    const whole = { ...config, vocabSize: 20 };
    const weights = initWeights(whole, createRandom(1, 'stopped'), 0.2);
    const ids = () => Array.from({ length: 8 }, (_, at) => 3 + ((at * 7) % 13));
    const run = {
      config: whole,
      weights,
      examples: list(30, (at) => ({ ids: [...ids(), at % 20], lossFrom: 2 })),
    };
    const training = { ...small.reading, batchSize: 2 };
    const settings = { lora: { ...small.lora, rank: 2 }, training, seed: 3 };
    const folders = ['at once', 'stopped'].map((name) => join(directory, name));
    for (const folder of folders) mkdirSync(folder);
    const objective = pairGeneration;
    const once = await learn({ ...run, objective }, settings, folders[0]);
    let batches = 0;
    const failing = {
      ...objective,
      batch: (...given) => {
        if (++batches === 13) throw new Error('stopped');
        return objective.batch(...given);
      },
    };
    await expect(learn({ ...run, objective: failing }, settings, folders[1])).rejects.toThrow('stopped');
    const again = await learn({ ...run, objective }, settings, folders[1]);
    expect(again).toEqual({ ...once, resumedAt: 10 });
    const [first, second] = folders.map((folder) =>
      readFileSync(join(folder, 'adapter/adapter_model.safetensors')),
    );
    expect(second.equals(first)).toBe(true);
    expect(existsSync(join(folders[1], 'checkpoint'))).toBe(false);
  });
});

const main = fileURLToPath(new URL('../main.mjs', import.meta.url));
const isBuilt = existsSync(fileURLToPath(new URL('../../../packages/ppo/dist/index.js', import.meta.url)));
const command = (...flags) => spawnSync(process.execPath, [main, '--config', ...flags], { encoding: 'utf8' });

describe.skipIf(!isBuilt)('the command', () => {
  it('names what is missing', () => {
    const { status, stderr } = command(
      'small',
      '--files',
      directory,
      '--model',
      join(directory, 'none.gguf'),
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/^the configuration small needs \S*none\.gguf; put them there.*\n$/);
  });

  it('has pieces, as no other has but the short one', () => {
    const { status, stderr } = command('laptop', '--only', 'base');
    expect(status).toBe(1);
    expect(stderr).toBe(
      'the configuration laptop is computed as a whole; use --only with --config short or small\n',
    );
  });

  it('says what it would do, and how long each run takes', () => {
    const { status, stdout } = command('small', '--dry-run', '--files', directory);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^stage-1 +7,183 +449 +2 of them, [\d.]+ h each$/m);
    expect(stdout).toMatch(/^likelihood, 300 labels +300 +38 +12 of them/m);
    expect(stdout).toMatch(/SmolLM2-135M-Instruct.Q4_1.gguf +missing/);
  });
});
