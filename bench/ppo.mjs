/**
 * Measures a step of RLHF beside TRL on PyTorch:
 *
 *     npm run bench:ppo -- --model MODEL [--python PATH] [--ppo-python PATH] [--prompts 64] [--tokens 64] [--steps 1] [--rounds 1]
 *
 * MODEL is a directory, a GGUF file or a repository of the hub, for example SmolLM2-135M-Instruct. It is the policy; with a new
 * score head it is the reward model and, for PPO, the value model. A step draws `--prompts` responses of `--tokens` tokens: PPO one
 * to each prompt, GRPO four to each of a quarter of them. Then it takes one gradient step over all of them, in micro-batches of 8.
 *
 * With `--python`, a Python that has torch, transformers and trl, GRPOTrainer takes the same steps. PPOTrainer takes them where
 * this TRL still has it, or with `--ppo-python`, a Python that has trl 1.12.0, the last release with it.
 *
 * Learning is all but drawing and the reward model: also what the reference and the value model compute. Each system has its own
 * process, and the processes take turns. Where other work runs beside them, the ratio of the processor time says more than that of
 * the time.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { loadModel, readCompanions, saveModel } from '@gram/model';
import { valueModelFrom } from '@gram/ppo';
import { createWorld } from '@gram/world';
import { json, peer, turns } from './common.mjs';
import { describeMachine } from './report/machine.mjs';
import { publish } from './report/publish.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    python: { type: 'string' },
    'ppo-python': { type: 'string' },
    prompts: { type: 'string', default: '64' },
    tokens: { type: 'string', default: '64' },
    steps: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
  },
});
if (options.model === undefined) {
  console.error('bench:ppo needs --model: a model directory, a GGUF file or a repository of the hub');
  process.exit(2);
}
const [responses, tokens, steps] = [options.prompts, options.tokens, options.steps].map(Number);
const [groupSize, microBatchSize] = [4, Math.min(8, responses)];
if (responses % microBatchSize > 0 || responses % groupSize > 0) {
  console.error(`bench:ppo needs --prompts that are a multiple of 8, or 4: it is ${options.prompts}`);
  process.exit(2);
}
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const rounds = Number(options.rounds);
const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  const files = await prepare();
  const ours = (method) => () => json(process.execPath, [here('./ppo/case.mjs'), method, files[method]]);
  const trl = (method, program, needs) =>
    peer(program, [here('./peers/rlhf.py'), method, files.task, threadCount()], needs);
  const { results, absent } = await turns(rounds, {
    'gram GRPO': ours('grpo'),
    'TRL GRPOTrainer': trl('grpo', options.python, 'give --python, one with torch, transformers and trl'),
    'gram PPO': ours('ppo'),
    'TRL PPOTrainer': trl(
      'ppo',
      options['ppo-python'] ?? options.python,
      'give --ppo-python, one with trl 1.12.0',
    ),
  });
  await publish({
    name: 'ppo',
    title: 'RLHF',
    about: `A step draws ${responses} responses of ${tokens} tokens and takes one gradient step over them in micro-batches of ${microBatchSize}. The same model is policy, reference, reward model and, for PPO, value model. Learning is all but drawing and the reward model.`,
    ...{ machine, rounds, results, absent },
    figures: figuresOf(),
    targets: ['GRPO', 'PPO'].flatMap(targetsOf),
  });
} finally {
  rmSync(folder, { recursive: true });
}

/** Writes the models and prompts that every system loads, and how it is asked. */
async function prepare() {
  const [model, scorer] = ['model', 'scorer'].map((name) => join(folder, name));
  const { config, weights, path } = await loadModel(options.model);
  const companions = await readCompanions(path);
  await saveModel(model, { config, weights, ...companions });
  await saveModel(scorer, { ...valueModelFrom({ config, weights }), ...companions });
  const prompts = createWorld({ seed: 7 })
    .prompts('policy', responses)
    .map(({ id, prompt }) => ({ id, prompt }));
  const data = join(folder, 'prompts.jsonl');
  writeFileSync(data, prompts.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const write = (name, content) => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(content));
    return file;
  };
  const shared = {
    policy: { model },
    prompts: { path: data },
    validation: { path: data },
    rewards: [{ name: 'scorer', scorer: { model: scorer } }],
    ...{ steps: 1 + steps, maxNewTokens: tokens, epochs: 1, miniBatchSize: responses, microBatchSize },
    ...{ policyLearningRate: 1e-6, sampling: { temperature: 1 }, output: join(folder, 'run') },
  };
  const texts = prompts.map(({ prompt }) => prompt);
  return {
    grpo: write('grpo.yaml', { ...shared, batchSize: responses / groupSize, samplesPerPrompt: groupSize }),
    ppo: write('ppo.yaml', { ...shared, batchSize: responses, valueOnlySteps: 0 }),
    task: write('task.json', {
      ...{ model, scorer, prompts: texts, responses, groupSize, microBatchSize, tokens, steps },
    }),
  };
}

function secondsOf({ rollout, scoring, learning }) {
  return rollout + scoring + learning;
}

function figuresOf() {
  const part = (name) => ({ name, unit: 's', of: (round) => round[name], isPlotted: false });
  return [
    { name: 'samples', unit: 'samples/s', of: (round) => round.responses / secondsOf(round) },
    { name: 'peak memory', unit: 'MB', of: ({ peakMemory }) => peakMemory / 1e6 },
    ...['rollout', 'scoring', 'learning'].map(part),
    { ...part('processor'), name: 'processor time' },
  ];
}

function targetsOf(method) {
  const [own, beside] = [`gram ${method}`, [`TRL ${method}Trainer`]];
  const name = (what) => `${what}: ${own} beside ${beside}`;
  return [
    {
      name: name('speed'),
      ...{ own, beside, least: 2 },
      of: (ours, other) => secondsOf(other) / other.responses / (secondsOf(ours) / ours.responses),
    },
    {
      name: name('peak memory'),
      ...{ own, beside, most: 0.7 },
      of: (ours, other) => ours.peakMemory / other.peakMemory,
    },
  ];
}
