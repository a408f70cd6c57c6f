import { type BenchmarkName, benchmarkNames } from '@gram/reward';
import { defineCommand } from '../command.js';
import { CliError } from '../error.js';
import { attacksOn, evaluateAttacks } from '../evaluation/attacks.js';
import { evaluateBenchmark } from '../evaluation/benchmark.js';
import { evaluateJudgedPairs } from '../evaluation/pairs.js';
import { pairFlags, readPairs } from '../evaluation/read-pairs.js';
import { fetchData } from '../input/fetch-data.js';
import { judgeFlags, readJudgeFlags } from '../models/load-judge.js';
import { wholeNumber } from '../parse-flags.js';

/** `gram eval`: how often a model prefers the better response. */
export const evaluateCommand = defineCommand({
  flags: {
    ...judgeFlags,
    data: {
      value: 'PATH',
      required: true,
      help: 'judged pairs in .jsonl, .json, .csv or .tsv, compressed or not, a folder, a pattern, hf://datasets/OWNER/NAME/PATH or https://...; for a benchmark its file or folder',
    },
    benchmark: {
      value: 'NAME',
      choices: benchmarkNames,
      help: 'run a benchmark in its published format and by its own rules; it can be interrupted',
    },
    ...pairFlags,
    attacks: {
      help: 'measure how often responses made to fool a judge beat the chosen ones, instead of accuracy',
    },
    attack: {
      value: 'NAME',
      multiple: true,
      help: 'measure this attack alone, by its name in the table of --attacks; repeat the flag for more of them',
    },
    limit: {
      value: 'N',
      help: 'read only the first N pairs; for a benchmark N items, a share of each subset',
    },
    seed: { value: 'N', help: 'seed of the bootstrap interval; default 0' },
    out: {
      value: 'PATH',
      help: 'file with one JSON line for each pair or attack, beside which attacks leave a page (.html); for a benchmark the folder of its results, from which it continues',
    },
    json: { help: 'print JSON' },
  },
  example: 'gram eval --model runs/one/model --data test.jsonl --format preference --out test-results.jsonl',
  cost: 'loading the model and two forward passes a pair; both twice with int8 or int4, to compare with float32',
  async run(values, io) {
    const limit = values.limit === undefined ? undefined : wholeNumber('limit', values.limit, 1);
    const seed = values.seed === undefined ? undefined : wholeNumber('seed', values.seed, 0);
    const { data, out, json } = values;
    const withAttacks = values.attacks || values.attack.length > 0;
    const name = values.benchmark as BenchmarkName | undefined;
    if (name !== undefined) {
      const usage = (what: string, hint: string) =>
        new CliError('usage', `gram eval --benchmark ${what}`, hint);
      if (out === undefined) throw usage('needs a folder for its results', 'add --out DIR');
      const given = Object.keys(pairFlags).find((flag) => isGiven(values[flag as keyof typeof pairFlags]));
      if (given !== undefined) throw usage('has its own format', `leave out --${given}`);
      if (withAttacks) throw usage('takes no attacks', 'give --attacks with judged pairs');
      const local = await fetchData(data, io);
      const settings = await readJudgeFlags(values, io);
      await evaluateBenchmark({ name, data: local, out, limit, seed, json }, settings, io);
      return;
    }
    const settings = await readJudgeFlags(values, io);
    const attacks = withAttacks ? await attacksOn(settings, values.attack) : undefined;
    const read = await readPairs(data, values, limit, io);
    if (attacks !== undefined) {
      await evaluateAttacks({ pairs: read.pairs, attacks, seed, out, json }, settings, io);
      return;
    }
    await evaluateJudgedPairs({ ...read, seed, out, json }, settings, io);
  },
});

function isGiven(value: string | readonly string[] | undefined): boolean {
  return typeof value === 'object' ? value.length > 0 : value !== undefined;
}
