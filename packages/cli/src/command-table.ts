import type { Command } from './command.js';

/** A row of the table of commands: what the general help shows, and how the command is loaded. */
export interface CommandEntry {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Imports the module of the command, and with it whatever the command needs. */
  load(): Promise<Command>;
}

/** All commands in the order of the help. A command is loaded when it is run or explained, and at no other time. */
export const commandTable: readonly CommandEntry[] = [
  {
    name: 'pretrain',
    summary: 'Stage 1 of GRAM: learns to write pairs of responses, without labels.',
    load: async () => (await import('./commands/training.js')).trainingCommand('pretrain'),
  },
  {
    name: 'finetune',
    summary:
      'Stage 2 of GRAM: learns the label of the better response; or the stage that the configuration says.',
    load: async () => (await import('./commands/training.js')).trainingCommand('finetune'),
  },
  {
    name: 'sft',
    summary: 'Supervised fine-tuning: a policy that imitates demonstrations.',
    load: async () => (await import('./commands/training.js')).trainingCommand('sft'),
  },
  {
    name: 'dpo',
    summary: 'Direct preference optimization: a policy learns from pairs, without a reward model.',
    load: async () => (await import('./commands/training.js')).trainingCommand('dpo'),
  },
  {
    name: 'bradley-terry',
    summary: 'The discriminative baseline: a model that scores one response, trained with Bradley-Terry.',
    load: async () => (await import('./commands/training.js')).trainingCommand('bradley-terry'),
  },
  {
    name: 'ppo',
    summary: 'RLHF: a policy learns from rewards, by PPO with a value model.',
    load: async () => (await import('./commands/rlhf/rlhf.js')).rlhfCommand('ppo'),
  },
  {
    name: 'grpo',
    summary: 'RLHF by GRPO: responses to a prompt are compared with each other, without a value model.',
    load: async () => (await import('./commands/rlhf/rlhf.js')).rlhfCommand('grpo'),
  },
  {
    name: 'rloo',
    summary: 'RLHF by RLOO: each response is compared with the mean of the others to its prompt.',
    load: async () => (await import('./commands/rlhf/rlhf.js')).rlhfCommand('rloo'),
  },
  {
    name: 'online-dpo',
    summary:
      'Online DPO: the best and the worst of its responses to a prompt teach a policy which it prefers.',
    load: async () => (await import('./commands/rlhf/rlhf.js')).rlhfCommand('online-dpo'),
  },
  {
    name: 'distill',
    summary: 'Best-of-n distillation: a policy imitates the best of its responses to a prompt.',
    load: async () => (await import('./commands/rlhf/rlhf.js')).rlhfCommand('distill'),
  },
  {
    name: 'bon',
    summary: 'Answers prompts with the best of n responses, chosen by rewards.',
    load: async () => (await import('./commands/rlhf/bon.js')).bonCommand,
  },
  {
    name: 'merge',
    summary: 'Writes a model with a LoRA adapter merged into it.',
    load: async () => (await import('./commands/merge.js')).mergeCommand,
  },
  {
    name: 'eval',
    summary: 'Measures how often a reward model prefers the chosen response of judged pairs.',
    load: async () => (await import('./commands/eval.js')).evaluateCommand,
  },
  {
    name: 'compare',
    summary:
      'Compares the results of two models on the same items: McNemar test and interval of the difference.',
    load: async () => (await import('./commands/compare.js')).compareCommand,
  },
  {
    name: 'score',
    summary: 'Compares two responses to a prompt.',
    load: async () => (await import('./commands/score.js')).scoreCommand,
  },
  {
    name: 'rank',
    summary: 'Ranks responses to one prompt by comparing pairs of them.',
    load: async () => (await import('./commands/rank.js')).rankCommand,
  },
  {
    name: 'serve',
    summary: 'Serves a reward model over HTTP, with a page to try it.',
    load: async () => (await import('./commands/serve.js')).serveCommand,
  },
  {
    name: 'generate',
    summary: 'Answers a prompt with a language model, word by word as it is written.',
    load: async () => (await import('./commands/generate.js')).generateCommand,
  },
  {
    name: 'inspect',
    summary: 'Says what a model is, and what memory and time it would take, without loading it.',
    load: async () => (await import('./commands/inspect.js')).inspectCommand,
  },
  {
    name: 'convert',
    summary: 'Writes a model as a directory that transformers and vLLM load, and as ONNX graphs beside it.',
    load: async () => (await import('./commands/convert.js')).convertCommand,
  },
  {
    name: 'data inspect',
    summary:
      'Says what a file of records is: its format, its counts, its first records, and what looks wrong.',
    load: async () => (await import('./commands/data/inspect.js')).inspectDataCommand,
  },
  {
    name: 'data stats',
    summary:
      'Measures records: lengths in tokens, sources, languages, damage, repetitions, overlap with benchmarks.',
    load: async () => (await import('./commands/data/stats.js')).statsCommand,
  },
  {
    name: 'data convert',
    summary: 'Writes records in another format, such as those of GRAM.',
    load: async () => (await import('./commands/data/convert.js')).convertDataCommand,
  },
  {
    name: 'data filter',
    summary: 'Leaves out records that are too long or too short, in another language, or damaged.',
    load: async () => (await import('./commands/data/filter.js')).filterCommand,
  },
  {
    name: 'data dedupe',
    summary: 'Leaves out records that repeat an earlier one, or nearly do.',
    load: async () => (await import('./commands/data/dedupe.js')).dedupeCommand,
  },
  {
    name: 'data decontaminate',
    summary: 'Leaves out records whose prompts are in evaluation sets.',
    load: async () => (await import('./commands/data/decontaminate.js')).decontaminateCommand,
  },
  {
    name: 'data sample',
    summary: 'Draws a part of the records, or shuffles all of them.',
    load: async () => (await import('./commands/data/sample.js')).sampleCommand,
  },
  {
    name: 'data split',
    summary: 'Divides records into parts that share no prompt.',
    load: async () => (await import('./commands/data/split.js')).splitCommand,
  },
  {
    name: 'data mix',
    summary: 'Mixes files in proportion to weights.',
    load: async () => (await import('./commands/data/mix.js')).mixCommand,
  },
  {
    name: 'init',
    summary: 'Copies a study of reward models as a project of your own.',
    load: async () => (await import('./commands/init.js')).initCommand,
  },
  {
    name: 'doctor',
    summary: 'Tries every device: which work on this machine, and what would add the others.',
    load: async () => (await import('./commands/doctor.js')).doctorCommand,
  },
];
