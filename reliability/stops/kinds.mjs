// The kinds of runs that are stopped.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setup as findRig } from '../../scripts/cuda-rig/index.mjs';
import { finetune, gram, onRig, ppo, rlhf, sets, twoRanks } from './workshop.mjs';

const model = ['model.safetensors', 'config.json', 'gram.json'].map((file) => `out/model/${file}`);
const run = [...model, 'out/metrics.jsonl'];
const adapter = ['init.scratch=', 'init.model=base', 'lora.rank=4', 'lora.alpha=8', 'lora.dropout=0.1'];
// Variables tell the runs where it is.
findRig();
const missingRig =
  process.env.GRAM_CUDA_RIG === undefined ? "there is no CUDA rig: 'npm run cuda-rig' makes it" : undefined;
const hasLauncher = spawnSync('mpirun', ['--version']).status === 0;

/**
 * A command that can be started again, and the files that must have the same bytes however it was stopped. `victims` names
 * the processes that a signal can fall on, the one that was started among them. `missing` says why it cannot be run here.
 */
export const kinds = [
  { name: 'finetune', command: finetune, result: run },
  {
    name: 'LoRA',
    command: [...finetune, ...sets(...adapter)],
    result: ['out/adapter/adapter_model.safetensors', ...run],
  },
  {
    name: 'two ranks',
    command: twoRanks([...finetune, ...sets('optimizer.epochs=4', 'optimizer.sharding=zero1')]),
    result: run,
    victims: withChildren,
    missing: hasLauncher ? undefined : 'mpirun is not installed',
  },
  {
    name: 'two ranks on GPUs of the CUDA rig',
    command: twoRanks(
      onRig([...finetune, ...sets('optimizer.epochs=4', 'optimizer.sharding=zero2', 'device=cuda')]),
    ),
    result: run,
    victims: withChildren,
    missing: hasLauncher ? missingRig : 'mpirun is not installed',
  },
  { name: 'PPO', command: ppo, result: ['out/model/model.safetensors', 'out/metrics.jsonl'] },
  // The head of PPO's value model reads the states of the policy here.
  ...[['ppo', ...sets('value=policy', 'valueOnlySteps=2')], ['grpo'], ['rloo']].flatMap(
    ([method, ...words]) => {
      const command = [...rlhf(method), ...words];
      const name = `${method.toUpperCase()}, LoRA`;
      const result = [
        'out/adapter/adapter_model.safetensors',
        'out/model/model.safetensors',
        'out/metrics.jsonl',
      ];
      const missing = hasLauncher ? undefined : 'mpirun is not installed';
      return [
        { name, command, result },
        { name: `${name}, two ranks`, command: twoRanks(command), result, victims: withChildren, missing },
      ];
    },
  ),
  {
    name: 'benchmark',
    command: gram(
      ...['eval', '--model', 'base', '--benchmark', 'llmbar', '--data', 'natural.json', '--out', 'out'],
    ),
    result: ['out/items.jsonl', 'out/summary.json'],
  },
  {
    name: 'eval',
    command: gram('eval', '--model', 'base', '--data', 'pairs.jsonl', '--out', 'results.jsonl'),
    result: ['results.jsonl'],
  },
];

/** A launcher and the ranks that it has started. */
function withChildren(pid) {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return [pid, ...children.split(' ').filter(Boolean).map(Number)];
  } catch {
    return [pid];
  }
}
