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
 * process, and the processes take turns; figures are medians over the processes. The ratios count: each comes from one run on one
 * machine. Where other work runs on it, the ratio of the processor time says more. They are printed, and written to
 * bench/results/ppo.json.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { runtimeVersion } from '@gram/engine';
import { loadModel, readCompanions, saveModel } from '@gram/model';
import { valueModelFrom } from '@gram/ppo';
import { textTable } from '@gram/report';
import { createWorld } from '@gram/world';
import { json, mega, times, turns } from './common.mjs';

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
const table = (heads, rows) =>
  console.log(`\n${textTable({ columns: heads.map((name) => ({ name })), rows })}`);

// Work of others that runs beside it, above 0 where the machine is not idle.
const load = Number(loadavg()[0].toFixed(1));
const folder = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  const files = await prepare();
  const ours = (method) => () => json(process.execPath, [here('./ppo/case.mjs'), method, files[method]]);
  const python = (method, program) => () =>
    program && json(program, [here('./peers/rlhf.py'), method, files.task, String(threadCount())]);
  const systems = {
    'gram grpo': ours('grpo'),
    'TRL GRPOTrainer': python('grpo', options.python),
    'gram ppo': ours('ppo'),
    'TRL PPOTrainer': python('ppo', options['ppo-python'] ?? options.python),
  };
  console.log(`onnxruntime ${runtimeVersion()}, ${threadCount()} threads, Node ${process.version}`);
  const results = await turns(Number(options.rounds), ...Object.values(systems));
  report(Object.keys(systems).map((name, i) => [name, results[i]]));
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

function report(named) {
  const found = named.flatMap(([name, result]) =>
    result === undefined ? [] : [{ name, ...result, seconds: secondsOf(result) }],
  );
  const percent = (part, whole) => `${Math.round((100 * part) / whole)} %`;
  table(
    ['system', 'samples/s', 'rollout', 'scoring', 'learning', 'processor time', 'peak memory'],
    found.map(({ name, responses: drawn, seconds, processor, peakMemory, ...parts }) => [
      name,
      (drawn / seconds).toFixed(2),
      ...['rollout', 'scoring', 'learning'].map((part) => percent(parts[part], seconds)),
      `${processor.toFixed(1)} s`,
      mega(peakMemory),
    ]),
  );
  const ratios = ['grpo', 'ppo'].flatMap((method) => {
    const own = found.find(({ name }) => name === `gram ${method}`);
    const peer = found.find(({ name }) => name === `TRL ${method.toUpperCase()}Trainer`);
    if (peer === undefined) return [];
    const ratio = (of) => of(peer) / of(own);
    return [
      {
        method,
        speed: ratio(({ seconds, responses: drawn }) => seconds / drawn),
        ...Object.fromEntries(
          ['rollout', 'scoring', 'learning', 'processor'].map((part) => [
            part,
            ratio((result) => result[part]),
          ]),
        ),
        memory: own.peakMemory / peer.peakMemory,
      },
    ];
  });
  if (ratios.length > 0) {
    table(
      ['ours beside TRL', 'speed', 'rollout', 'scoring', 'learning', 'processor time', 'peak memory'],
      ratios.map(({ method, ...figures }) => [method, ...Object.values(figures).map(times)]),
    );
    console.log('\ntargets: speed >= 2 x, peak memory <= 0.7 x');
  }
  write(found, ratios);
}

function write(systems, ratios) {
  const machine = { processor: cpus()[0]?.model, threads: threadCount(), loadBefore: load };
  const work = { responses, tokens, steps, rounds: Number(options.rounds), microBatchSize, groupSize };
  mkdirSync(here('./results'), { recursive: true });
  const result = { date: new Date().toISOString().slice(0, 10), machine, work, systems, ratios };
  writeFileSync(here('./results/ppo.json'), `${JSON.stringify(result, null, 2)}\n`);
}

function secondsOf({ rollout, scoring, learning }) {
  return rollout + scoring + learning;
}
