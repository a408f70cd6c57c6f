import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gram, judgeWorkshop } from '../../__fixtures__/run.js';
import { main } from '../../main.js';

let shop: Awaited<ReturnType<typeof judgeWorkshop>>;
beforeAll(async () => {
  shop = await judgeWorkshop();
  const prompts = createWorld({ seed: 6 }).prompts('policy', 6);
  await writeJsonl(
    shop.path('prompts.jsonl'),
    prompts.map(({ prompt }, i) => ({ prompt, response: `answer ${i}` })),
  );
  const scorer = ['stage=bradley-terry', 'init.scratch=', 'init.model=out/model', 'output=scorer'];
  await run('finetune', '--config', shop.path('config.yaml'), ...sets(scorer));
}, 120_000);
afterAll(() => shop.remove());

const sets = (values: readonly string[]) => values.flatMap((value) => ['--set', value]);

async function run(...argv: string[]) {
  const outcome = await gram(argv);
  expect(outcome.status, outcome.stderr).toBe(0);
  return outcome;
}

/** Serves a model on this machine while something is done. */
async function serving(model: string, work: (url: string) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  let onUrl: (url: string) => void = () => {};
  const printed = new Promise<string>((resolve) => {
    onUrl = resolve;
  });
  const ended = main(['serve', '--model', shop.path(model), '--port', '0'], {
    stdout: { write: (text) => onUrl(text) },
    stderr: { write: () => true } as unknown as NodeJS.WriteStream,
    signal: stop.signal,
  });
  try {
    await work((await Promise.race([printed, ended])).toString().trimEnd());
  } finally {
    stop.abort();
    await ended;
  }
}

const lines = (path: string) =>
  readFileSync(shop.path(path), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

it('gives a policy the rewards of served models as those of the models themselves', async () => {
  await serving('out/model', (judge) =>
    serving('scorer/model', async (scorer) => {
      const rewards = [
        '{ name: judge, judge: { model: out/model } }',
        `{ name: servedJudge, weight: 0, remote: { url: "${judge}" } }`,
        '{ name: scorer, scorer: { model: scorer/model } }',
        `{ name: servedScorer, weight: 0, remote: { url: "${scorer}" } }`,
        '{ name: judgeByAnswer, weight: 0, judge: { model: out/model, against: answer } }',
        `{ name: servedByAnswer, weight: 0, remote: { url: "${judge}", against: answer } }`,
        '{ name: judgeByGroup, weight: 0, judge: { model: out/model, against: group } }',
        `{ name: servedByGroup, weight: 0, remote: { url: "${judge}", against: group } }`,
      ];
      const config = `
policy: { model: out/model }
prompts: { path: prompts.jsonl }
rewards: [${rewards.join(', ')}]
steps: 2
samplesPerPrompt: 2
maxNewTokens: 8
batchSize: 3
miniBatchSize: 6
epochs: 1
output: runs/grpo
`;
      writeFileSync(shop.path('grpo.yaml'), config);
      await run('grpo', '--config', shop.path('grpo.yaml'));
      const samples = lines('runs/grpo/samples.jsonl');
      expect(samples.length).toBeGreaterThan(3);
      for (const { reward, rewards: own } of samples) {
        expect(own.servedJudge).toBeCloseTo(own.judge, 5);
        expect(own.servedScorer).toBeCloseTo(own.scorer, 5);
        expect(reward).toBeCloseTo(own.judge + own.scorer, 5);
        expect(own.servedByGroup).toBeCloseTo(own.judgeByGroup, 5);
        expect(own.servedByAnswer).toBeCloseTo(own.judgeByAnswer, 5);
      }
      expect(samples.some(({ rewards: own }) => own.judgeByAnswer !== own.judge)).toBe(true);
      expect(new Set(samples.map(({ rewards: own }) => own.scorer)).size).toBeGreaterThan(1);
    }),
  );
}, 120_000);

it('leaves out what a server that has gone does not answer, and ends where it is to stop', async () => {
  let gone = '';
  await serving('out/model', async (url) => {
    gone = url;
  });
  const config = ['--config', shop.path('grpo.yaml')];
  const rewards = (onFailure: string) =>
    `rewards=[{ name: length, length: {} }, { name: judge, remote: { url: "${gone}" }, retries: 1, onFailure: ${onFailure} }]`;
  for (const onFailure of ['stop', 'mask']) {
    const argv = ['grpo', ...config, ...sets([rewards(onFailure), `output=runs/${onFailure}`])];
    const { status, stderr } = await gram(argv);
    expect(status).toBe(1);
    expect(stderr).toMatch(onFailure === 'stop' ? /cannot be reached/ : /no reward was given in a trial/);
    expect(existsSync(shop.path(`runs/${onFailure}`))).toBe(false);
  }
}, 60_000);

it('chooses the best of n by the same rewards, and goes on where it stopped', async () => {
  writeFileSync(
    shop.path('bon.yaml'),
    `
policy: { model: out/model }
prompts: { path: prompts.jsonl }
rewards:
  - { name: judge, judge: { model: out/model, against: group } }
  - { name: length, weight: 0, length: {} }
samples: 3
maxNewTokens: 8
batchSize: 4
output: runs/best
`,
  );
  const config = ['bon', '--config', shop.path('bon.yaml')];
  const dry = await run(...config, '--dry-run');
  expect(dry.stderr).toMatch(/best of 3: responses of at most 8 tokens to 6 prompts/);
  expect(existsSync(shop.path('runs/best'))).toBe(false);
  const { stdout } = await run(...config);
  expect(stdout).toBe(`${shop.path('runs/best/chosen.jsonl')}\n`);
  const chosen = readFileSync(shop.path('runs/best/chosen.jsonl'), 'utf8');
  expect(lines('runs/best/chosen.jsonl').length).toBe(6);
  for (const { candidates, chosen: place } of lines('runs/best/candidates.jsonl')) {
    const rewards = candidates.map(({ reward }: { reward: number }) => reward);
    expect(rewards[place]).toBe(Math.max(...rewards));
  }
  const again = await gram(config);
  expect(again.stderr).toMatch(/is not empty; set resume/);
  const all = readFileSync(shop.path('runs/best/candidates.jsonl'), 'utf8');
  writeFileSync(shop.path('runs/best/candidates.jsonl'), all.slice(0, all.length / 2));
  await run(...config, '--resume');
  expect(readFileSync(shop.path('runs/best/candidates.jsonl'), 'utf8')).toBe(all);
  expect(readFileSync(shop.path('runs/best/chosen.jsonl'), 'utf8')).toBe(chosen);
  // The chosen responses are demonstrations.
  await run('sft', '--config', shop.path('config.yaml'), ...sets([...copied, 'output=runs/copied']));
}, 120_000);

const copied = [
  ...['stage=', 'data.path=runs/best/chosen.jsonl', 'optimizer.epochs=1'],
  ...['optimizer.batchSize=2', 'optimizer.microBatchSize=2'],
];

it.each(['online-dpo', 'distill'])(
  'learns by %s from a judge that compares a group',
  async (method) => {
    const rewards = 'rewards=[{ name: judge, judge: { model: out/model, against: group } }]';
    const output = `output=runs/${method}`;
    await run(method, '--config', shop.path('grpo.yaml'), ...sets([rewards, 'samplesPerPrompt=3', output]));
    const records = lines(`runs/${method}/metrics.jsonl`);
    for (const { policyLoss } of records) expect(policyLoss).toBeGreaterThan(0);
    expect(readFileSync(shop.path(`runs/${method}/report.html`), 'utf8')).toContain(`RLHF: ${method}`);
  },
  60_000,
);
