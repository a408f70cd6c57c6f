/**
 * Measures how long `gram score` takes from its start to its end, for one pair:
 *
 *     npm run bench:start -- --model MODEL [--rounds 5]
 *
 * MODEL is a directory or a GGUF file. The cache is empty at the first run of each precision, which has a figure of its own.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { turns } from './common.mjs';
import { describeMachine } from './report/machine.mjs';
import { publish } from './report/publish.mjs';

const { values: options } = parseArgs({
  options: { model: { type: 'string' }, rounds: { type: 'string', default: '5' } },
});
if (options.model === undefined) {
  console.error('bench:start needs --model: a model directory or a GGUF file');
  process.exit(2);
}
const PAIR = {
  prompt: 'What is the capital of France? Answer in one sentence.',
  a: 'The capital of France is Paris.',
  b: 'France has many large cities, for example Lyon and Marseille.',
};
const bin = fileURLToPath(new URL('../packages/cli/bin/gram.js', import.meta.url));
/** Makes a process say its processor time when it ends. */
const CLOCK =
  'process.on("exit",()=>{const {user,system}=process.cpuUsage();process.stderr.write("\\n"+(user+system))})';

const rounds = Number(options.rounds);
const machine = describeMachine();
const cache = mkdtempSync(join(tmpdir(), 'gram-bench-'));
try {
  const first = {};
  const precisions = ['float32', 'int8', 'int4'];
  for (const precision of precisions) first[precision] = (await score(precision)).seconds;
  const { results, absent } = await turns(
    rounds,
    Object.fromEntries(
      precisions.map((precision) => [
        `gram ${precision}`,
        async () => ({ ...(await score(precision)), first: first[precision] }),
      ]),
    ),
  );
  await publish({
    name: 'start',
    title: 'Start',
    about:
      'The command gram score loads a model and judges one short pair in both orders. The first run of each precision finds an empty cache.',
    ...{ machine, rounds, results, absent },
    figures: [
      { name: 'time of a later run', unit: 's', of: ({ seconds }) => seconds },
      { name: 'processor time', unit: 's', of: ({ processor }) => processor, isPlotted: false },
      { name: 'time of the first run', unit: 's', of: (round) => round.first, isPlotted: false },
    ],
    targets: precisions.map((precision) => ({
      name: `gram score in ${precision}`,
      own: `gram ${precision}`,
      of: ({ seconds }) => seconds,
      ...{ most: 1.5, unit: 's' },
    })),
  });
} finally {
  rmSync(cache, { recursive: true });
}

/** Runs the command and gives its time and its processor time in seconds. */
function score(precision) {
  const args = [
    '--prompt',
    PAIR.prompt,
    '--a',
    PAIR.a,
    '--b',
    PAIR.b,
    '--judge-prompt',
    'gram-eval-1',
    '--json',
  ];
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${CLOCK}`,
      bin,
      'score',
      '--model',
      options.model,
      '--precision',
      precision,
      ...args,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, GRAM_CACHE: cache } },
  );
  const err = [];
  child.stderr.on('data', (chunk) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const said = Buffer.concat(err).toString();
      if (code === 0) {
        resolve({
          seconds: (performance.now() - start) / 1000,
          processor: Number(said.split('\n').at(-1)) / 1e6,
        });
      } else reject(new Error(`gram score failed:\n${said}`));
    });
  });
}
