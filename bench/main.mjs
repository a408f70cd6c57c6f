/**
 * Runs all benchmarks, beside every other system that is installed, and makes a page of what they found:
 *
 *     npm run bench -- [--model MODEL] [--gguf FILE ...] [--data FILE --format NAME] [--python PATH] [--ppo-python PATH]
 *         [--onnx DIRECTORY] [--rounds 3] [--only NAME ...] [--page]
 *
 * MODEL is a directory, a GGUF file or a repository of the hub; the default is SmolLM2-135M-Instruct of the hub. Each benchmark
 * gets the options that it has, which the comment at the top of its script explains. `--only` takes names of benchmarks, `--page`
 * runs none and makes the page anew.
 *
 * bench/results/NAME.json has what a benchmark found; bench/results/index.html shows all of them, also those of earlier runs.
 * The page is written after each benchmark. A system that is absent is named there with the reason.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { resolveModel } from '@gram/model';
import { writePage } from '@gram/report';
import { benchmarkPage } from './report/page.mjs';
import { resultsFolder } from './report/publish.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'HuggingFaceTB/SmolLM2-135M-Instruct' },
    gguf: { type: 'string', multiple: true },
    data: { type: 'string' },
    format: { type: 'string' },
    python: { type: 'string' },
    'ppo-python': { type: 'string' },
    onnx: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true },
    page: { type: 'boolean', default: false },
  },
});

/** The options of each benchmark, in the order of the page. */
const BENCHMARKS = {
  score: ['model', 'data', 'format', 'python', 'onnx', 'rounds'],
  generate: ['model', 'gguf', 'python', 'onnx', 'rounds'],
  train: ['python', 'rounds'],
  ppo: ['model', 'python', 'ppo-python', 'rounds'],
  memory: ['model', 'rounds'],
  start: ['model', 'rounds'],
  serve: [],
  engine: ['python', 'rounds'],
  scaling: ['rounds'],
};
const names = Object.keys(BENCHMARKS);
const unknown = options.only?.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`there is no benchmark ${unknown}; --only takes ${names.join(', ')}`);
  process.exit(2);
}

mkdirSync(resultsFolder, { recursive: true });
/** Reason for which a benchmark found nothing in this run. */
const reasons = {};
for (const name of options.page ? [] : names) {
  if (options.only !== undefined && !options.only.includes(name)) continue;
  console.log(`\n== ${name}`);
  const reason = await attempt(name);
  if (reason !== undefined) {
    reasons[name] = reason;
    console.error(`${name}: ${reason}`);
  }
  await writeResults();
}
console.log(`\n${await writeResults()}`);
process.exitCode = Object.keys(reasons).length === 0 ? 0 : 1;

/** Runs a benchmark; gives the reason where it could not. */
async function attempt(name) {
  const given = { ...options };
  try {
    if (BENCHMARKS[name].includes('model')) given.model = await resolveModel(options.model);
  } catch ({ message }) {
    return message;
  }
  const words = BENCHMARKS[name].flatMap((option) =>
    [given[option] ?? []].flat().flatMap((value) => [`--${option}`, value]),
  );
  const script = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [script, ...words], { stdio: 'inherit' });
  const code = await new Promise((resolve) => child.on('close', resolve));
  return code === 0 ? undefined : `it ended with ${code}`;
}

/** Makes the page of all results there are, and gives its path. */
async function writeResults() {
  const files = readdirSync(resultsFolder).filter((file) => file.endsWith('.json'));
  const all = files.map((file) => JSON.parse(readFileSync(join(resultsFolder, file), 'utf8')));
  // Training has results for each model and stage.
  const benchmarkOf = ({ name }) => names.findIndex((each) => name === each || name.startsWith(`${each}-`));
  all.sort((a, b) => benchmarkOf(a) - benchmarkOf(b) || a.name.localeCompare(b.name));
  const found = new Set(all.map((findings) => names[benchmarkOf(findings)]));
  const missing = names
    .filter((name) => !found.has(name))
    .map((name) => ({ name, reason: reasons[name] ?? 'not run' }));
  const path = join(resultsFolder, 'index.html');
  await writePage(path, benchmarkPage(all, missing));
  return path;
}
