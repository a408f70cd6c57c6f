import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mean } from '@gram/base';
import { bestOfNKl } from '@gram/reward';
import { openWatchServer } from '@gram/run';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contents } from '../__fixtures__/directory.js';
import { letterShare, tinyConfig, tinyPrompts, tinyRun } from '../__fixtures__/tiny-run.js';
import type { NamedReward } from '../rewards/named-reward.js';
import { chooseResponses } from './best-of-n.js';
import { type Choice, placeOfBest } from './choose.js';

const root = mkdtempSync(join(tmpdir(), 'gram-best-of-n-'));
afterAll(() => rmSync(root, { recursive: true }));

const options = {
  samples: 4,
  sampling: { temperature: 1, topP: 1 },
  maxNewTokens: 6,
  batchSize: 3,
  greedyReference: false,
  maxFailedShare: 0.5,
  seed: 3,
};
const list: NamedReward[] = [
  { name: 'small', reward: letterShare(/[a-z]/g) },
  {
    name: 'length',
    weight: 0,
    reward: (groups) => groups.map(({ responses }) => responses.map((text) => text.length)),
  },
];

const { policy, tokenizer, encoder } = tinyRun({ ...tinyConfig, numHiddenLayers: 1 });
const run = (name: string, more: { reward?: NamedReward[]; resume?: boolean; signal?: AbortSignal } = {}) =>
  chooseResponses({
    ...{ policy, tokenizer, encoder, prompts: tinyPrompts, reward: list, options },
    output: join(root, name),
    ...more,
  });
const lines = (name: string, file: string) =>
  readFileSync(join(root, name, file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

let summary: Awaited<ReturnType<typeof run>>;
beforeAll(async () => {
  summary = await run('straight');
});

it('chooses the response with the highest reward, and keeps all of them', () => {
  const choices: Choice[] = lines('straight', 'candidates.jsonl');
  expect(choices.map(({ id }) => id)).toEqual(tinyPrompts.map(({ id }) => id));
  for (const { chosen, candidates } of choices) {
    const rewards = candidates.map(({ reward }) => reward ?? Number.NaN);
    expect(rewards.length).toBe(4);
    expect(rewards[chosen!]).toBe(Math.max(...rewards));
    // A monitor has no part in it.
    for (const { reward, rewards: own } of candidates) expect(reward).toBe(own.small);
  }
  const texts = choices.flatMap(({ candidates }) => candidates.map(({ response }) => response));
  expect(new Set(texts).size).toBeGreaterThan(8);
  expect(lines('straight', 'chosen.jsonl')).toEqual(
    choices.map(({ id, prompt, chosen, candidates }) => ({
      id,
      prompt,
      response: candidates[chosen!]!.response,
    })),
  );
  expect(summary).toMatchObject({ prompts: 8, responses: 32, unchosen: 0, unrewarded: 0 });
  expect(summary.kl).toBeCloseTo(bestOfNKl(4), 12);
  expect(summary.reward!.chosen).toBeGreaterThan(summary.reward!.all);
  const records = lines('straight', 'metrics.jsonl');
  expect(records.map(({ step }) => step)).toEqual([1, 2, 3]);
  for (const [i, { chosen, score, rewards, tokens, length }] of records.entries()) {
    const own = choices.slice(3 * i, 3 * i + 3).flatMap(({ candidates }) => candidates);
    expect(score).toBeCloseTo(rewards.small, 12);
    expect(chosen).toBeGreaterThanOrEqual(score);
    expect(tokens).toBe(own.reduce((sum, each) => sum + each.length, 0));
    expect(length).toBeCloseTo(tokens / own.length, 12);
    expect(rewards.length).toBeCloseTo(mean(own.map(({ response }) => response.length)), 12);
  }
  expect(readdirSync(join(root, 'straight', 'tensorboard'))).toHaveLength(1);
  const page = readFileSync(join(root, 'straight', 'report.html'), 'utf8');
  for (const text of ['Reward small', 'Reward length, only watched', 'KL to the policy']) {
    expect(page).toContain(text);
  }
});

it('resumes to the same bytes, whatever a kill left of the last batch', async () => {
  for (const left of ['', '{"id":"prompt 3","pro', '{"id":"prompt 3"}\n{"id":']) {
    const name = `stopped ${left.length}`;
    const stop = new AbortController();
    let calls = 0;
    const reward: NamedReward = {
      name: 'small',
      reward: (groups, context) => {
        if (++calls === 2) stop.abort(new Error('stop'));
        return letterShare(/[a-z]/g)(groups, context);
      },
    };
    await expect(run(name, { reward: [reward, list[1]!], signal: stop.signal })).rejects.toThrow('stop');
    appendFileSync(join(root, name, 'candidates.jsonl'), left);
    await expect(run(name)).rejects.toMatchObject({ code: 'output-in-use' });
    await run(name, { resume: true });
    expect(contents(join(root, name))).toEqual(contents(join(root, 'straight')));
  }
});

it('is followed by a page, with the choices of the newest batch', async () => {
  const notes: string[] = [];
  const progress: [number, Record<string, string | number>][] = [];
  let events: Promise<string> | undefined;
  await chooseResponses({
    ...{ policy, tokenizer, encoder, prompts: tinyPrompts, reward: list, options },
    output: join(root, 'watched'),
    watch: await openWatchServer(0),
    onNote: (text) => notes.push(text),
    onProgress(done, fields) {
      progress.push([done, fields]);
      const url = /http\S+/.exec(notes[0] ?? '')?.[0];
      events ??= fetch(`${url}events`).then((response) => response.text());
    },
  });
  expect(progress.map(([done]) => done)).toEqual([3, 6, 8]);
  for (const [, fields] of progress) expect(Object.keys(fields)).toContain('chosen');
  const seen = await events;
  for (const text of ['Reward of the chosen responses', 'Reward length', 'Samples', 'finished']) {
    expect(seen).toContain(text);
  }
});

it('is another run with other settings, and refuses a log that is broken', async () => {
  const other = chooseResponses({
    ...{ policy, tokenizer, encoder, prompts: tinyPrompts, reward: list, resume: true },
    options: { ...options, samples: 5 },
    output: join(root, 'straight'),
  });
  await expect(other).rejects.toThrow(/is of another run: samples differ/);
  await run('broken');
  writeFileSync(join(root, 'broken', 'best-of-n.json'), '{');
  await expect(run('broken', { resume: true })).rejects.toMatchObject({ code: 'bad-checkpoint' });
});

it('leaves out what has no reward, and never counts it as 0', async () => {
  const reward: NamedReward = {
    name: 'some',
    // All rewards are below 0, so that a 0 would win.
    reward: (groups) =>
      groups.map(({ id, responses }) =>
        responses.map((text, i) => (id === 'prompt 1' || i === 2 ? null : text.length - 100)),
      ),
  };
  const { unchosen, unrewarded, kl } = await run('null', { reward: [reward] });
  expect({ unchosen, unrewarded }).toEqual({ unchosen: 1, unrewarded: 4 + 7 });
  expect(kl).toBeCloseTo((7 * bestOfNKl(3)) / 8, 12);
  const choices: Choice[] = lines('null', 'candidates.jsonl');
  expect(choices.map(({ chosen }) => chosen === null)).toEqual(
    tinyPrompts.map(({ id }) => id === 'prompt 1'),
  );
  for (const { chosen } of choices) expect(chosen).not.toBe(2);
  expect(lines('null', 'chosen.jsonl').length).toBe(7);
});

it('ends where too many rewards fail', async () => {
  const reward: NamedReward = {
    name: 'broken',
    failures: { onFailure: 'mask' },
    reward: () => {
      throw new Error('no judge');
    },
  };
  await expect(run('failing', { reward: [reward] })).rejects.toMatchObject({ code: 'reward-failed' });
});

it('takes the first of equal rewards', () => {
  expect(placeOfBest([null, 1, 3, 3, null])).toBe(2);
  expect(placeOfBest([-5, null])).toBe(0);
  expect(placeOfBest([null, null])).toBeNull();
});
