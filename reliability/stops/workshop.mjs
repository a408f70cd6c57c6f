// A folder that the runs of this suite start in, and the commands that they start.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeJsonl } from '@gram/data';
import { createWorld } from '@gram/world';

const GRAM = fileURLToPath(new URL('../../packages/cli/bin/gram.js', import.meta.url));
const PPO = fileURLToPath(new URL('ppo-run.mjs', import.meta.url));
const ON_RIG = fileURLToPath(new URL('on-rig.mjs', import.meta.url));

const CONFIG = `
stage: finetune
data: { path: pairs.jsonl }
init:
  scratch:
    vocabSize: 512
    hiddenSize: 32
    intermediateSize: 48
    numHiddenLayers: 1
    numAttentionHeads: 4
    numKeyValueHeads: 2
    maxPositionEmbeddings: 512
maxLength: 512
optimizer: { learningRate: 3e-3, batchSize: 8, microBatchSize: 4, epochs: 8 }
checkpointEvery: 1
seed: 3
output: out
`;

/** The words of a `gram` command. */
export const gram = (...words) => [process.execPath, GRAM, ...words];

const RLHF = `
policy: { model: base, lora: { rank: 4, alpha: 8, targets: [q_proj, v_proj] } }
prompts: { path: prompts.jsonl }
validation: { path: prompts.jsonl, limit: 4 }
rewards:
  - { name: length, weight: -1, length: { unit: characters } }
  - { name: letter, pattern: { match: '[a-m]' } }
steps: 12
maxNewTokens: 8
batchSize: 4
miniBatchSize: 4
epochs: 1
policyLearningRate: 3e-3
evaluateEvery: 3
checkpointEvery: 2
seed: 5
output: out
`;

/** The command of a method of RLHF that trains an adapter, and goes on from what is there; more words follow it. */
export const rlhf = (method) => gram(method, '--config', 'rlhf.yaml', '--resume');

/** The command of a run of PPO, which resumes by itself. */
export const ppo = [process.execPath, PPO, 'out'];

/** The command that trains on the pairs and goes on from what is there; more words follow it. */
export const finetune = gram('finetune', '--config', 'config.yaml', '--resume');

/** Overrides values of the configuration. */
export const sets = (...values) => values.flatMap((value) => ['--set', value]);

/** A command as two processes that a launcher starts. */
export const twoRanks = (command) => [
  ...['mpirun', '-np', '2', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'],
  ...command,
];

/** A command of Node.js on the CUDA rig, on which graphs compute. */
export const onRig = ([node, ...words]) => [node, '--import', ON_RIG, ...words];

/** Starts a command; `ended` resolves to its status or the signal that ended it, and to what it printed. */
export function start(command, cwd, env = {}) {
  const [program, ...words] = command;
  const child = spawn(program, words, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C is for the suite, which lets what it has started come to its end.
    detached: true,
    env: { ...process.env, GRAM_THREADS: '1', ...env },
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (data) => {
      said[name] = (said[name] + data).slice(-4000);
    });
  }
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ how: signal ?? code, ...said }));
  });
  return { child, said, ended };
}

let made;

/** The folder, made once: pairs, a configuration, a small trained model at `base` and the items of a benchmark. */
export function shopOnce() {
  made ??= makeShop();
  return made;
}

async function makeShop() {
  const shop = mkdtempSync(join(tmpdir(), 'gram-shop-'));
  process.once('exit', () => rmSync(shop, { recursive: true, force: true }));
  const world = createWorld({ seed: 5 });
  await writeJsonl(join(shop, 'pairs.jsonl'), world.labeledPairs(40));
  writeFileSync(join(shop, 'config.yaml'), CONFIG);
  await writeJsonl(
    join(shop, 'prompts.jsonl'),
    world.labeledPairs(8).map(({ prompt }) => ({ prompt })),
  );
  writeFileSync(join(shop, 'rlhf.yaml'), RLHF);
  const items = world.labeledPairs(60).map(({ prompt, chosen, rejected }) => ({
    input: prompt,
    output_1: chosen,
    output_2: rejected,
    label: 1,
  }));
  writeFileSync(join(shop, 'natural.json'), JSON.stringify(items));
  const { how, stderr } = await start(finetune, shop).ended;
  if (how !== 0) throw new Error(stderr);
  cpSync(join(shop, 'out/model'), join(shop, 'base'), { recursive: true });
  rmSync(join(shop, 'out'), { recursive: true });
  return shop;
}

/** Copies the folder to another place. */
export function copyOf(shop, place) {
  cpSync(shop, place, { recursive: true });
  return place;
}
