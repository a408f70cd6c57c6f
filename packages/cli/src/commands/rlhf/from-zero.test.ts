import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demonstrationsConfig, gram, workshop } from '../../__fixtures__/run.js';

let shop: Awaited<ReturnType<typeof workshop>>;
beforeAll(async () => {
  shop = await workshop();
  const world = createWorld({ seed: 6 });
  const named = (prompts: readonly { readonly prompt: unknown }[]) =>
    prompts.map(({ prompt }, i) => ({ id: `own ${i}`, prompt, topic: `topic ${i % 3}` }));
  await writeJsonl(shop.path('prompts.jsonl'), named(world.prompts('policy', 12)));
  await writeJsonl(shop.path('validation.jsonl'), named(world.prompts('policy-validation', 4)));
  writeFileSync(shop.path('train.yaml'), demonstrationsConfig);
  writeFileSync(shop.path('ppo.yaml'), rlhf);
  writeFileSync(shop.path('monitor.mjs'), monitor);
});
afterAll(() => shop.remove());

const rlhf = `
policy: { model: runs/sft/model }
prompts: { path: prompts.jsonl }
validation: { path: validation.jsonl }
rewards:
  - { name: judge, judge: { model: runs/judge/model } }
  - { name: length, weight: 0, length: {} }
  - { name: topic, weight: 0, module: ./monitor.mjs }
steps: 3
maxNewTokens: 12
batchSize: 4
miniBatchSize: 4
epochs: 1
valueOnlySteps: 1
evaluateEvery: 2
output: runs/ppo
`;

/** Sees the columns of the file. */
const monitor = `
export default (groups) =>
  groups.map(({ fields, responses }) => responses.map(() => (fields.topic === 'topic 1' ? null : 1)));
`;

const lines = (path: string) =>
  readFileSync(shop.path(path), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

it('goes from records to a policy with three commands and two files', { timeout: 180_000 }, async () => {
  const run = async (...argv: string[]) => {
    const outcome = await gram(argv);
    expect(outcome.status, outcome.stderr).toBe(0);
    return outcome;
  };
  await run('sft', '--config', shop.path('train.yaml'));
  const judge = ['data.path=pairs.jsonl', 'output=runs/judge'].flatMap((set) => ['--set', set]);
  await run('finetune', '--config', shop.path('train.yaml'), ...judge);
  const dry = await run('ppo', '--config', shop.path('ppo.yaml'), '--dry-run');
  expect(dry.stderr).toMatch(/prompts: 12 of prompts\.jsonl, the longest of \d+ tokens; 12 records read/);
  expect(dry.stderr).toMatch(/reward judge: weight 1, 0\.\d+ in the trial/);
  expect(dry.stderr).toMatch(/one GPU, all weights: weights [\d.]+ GB, .*cache [\d.]+ GB/);
  expect(existsSync(shop.path('runs/ppo'))).toBe(false);
  const { stdout } = await run('ppo', '--config', shop.path('ppo.yaml'));
  expect(stdout).toBe(`${shop.path('runs/ppo/model')}\n`);

  const records = lines('runs/ppo/metrics.jsonl');
  expect(records.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
  for (const { rewards, score } of records.slice(1)) {
    expect(Object.keys(rewards).sort()).toEqual(['judge', 'length', 'topic']);
    // Monitors have no part in what is learned from.
    expect(score).toBe(rewards.judge);
    expect(rewards.topic).toBe(1);
  }
  const report = readFileSync(shop.path('runs/ppo/report.html'), 'utf8');
  for (const title of ['Reward judge', 'Reward length', 'Reward topic']) expect(report).toContain(title);
  const answer = await run('generate', '--model', shop.path('runs/ppo/model'), '--prompt', 'Add', '--plain');
  expect(answer.stdout).not.toBe('');
});

it('refuses what is wrong before anything is computed', async () => {
  const refused = async (...sets: string[]) => {
    const argv = ['grpo', '--config', shop.path('ppo.yaml'), ...sets.flatMap((set) => ['--set', set])];
    const { status, stderr } = await gram([
      ...argv,
      '--set',
      'valueOnlySteps=',
      '--set',
      'output=runs/refused',
    ]);
    expect(status).toBe(1);
    expect(existsSync(shop.path('runs/refused'))).toBe(false);
    return stderr;
  };
  expect(await refused('stepz=4')).toMatch(/there is no key "stepz"[\s\S]*did you mean steps\?/);
  expect(await refused('rewards=[{ name: a, lenght: {} }]')).toMatch(/no key "rewards\.0\.lenght"/);
  expect(await refused('rewards=[{ name: a }]')).toMatch(/rewards\.0 has none of judge, scorer/);
  expect(await refused('rewards=[{ name: a, weight: 0, length: {} }]')).toMatch(/all of weight 0/);
  expect(await refused('heldOut=judge')).toMatch(/heldOut is judge, which the policy learns from/);
  expect(
    await refused(
      'rewards=[{ name: a, remote: { url: "http://127.0.0.1:9", form: openrlhf, against: group } }]',
    ),
  ).toMatch(/remote\.against is group, and requests of the form openrlhf do not say/);
  expect(await refused('rewards=[{ name: a, pattern: { match: "(a+)+b" } }]')).toMatch(
    /the reward has a pattern/,
  );
  expect(await refused('rewards=[{ name: a, remote: { url: "http://127.0.0.1:9" }, retries: 0 }]')).toMatch(
    /cannot be reached/,
  );
  expect(await refused('maxNewTokens=600')).toMatch(/leaves no room for a prompt in 512 tokens/);
  expect(await refused('maxNewTokens=505')).toMatch(/too long|too-long|tokens/);
});
