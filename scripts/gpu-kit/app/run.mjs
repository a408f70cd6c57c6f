// Runs the kit: doctor, the conformance tests on the GPU, and work beside PyTorch on the same GPU.
//
//     run.mjs [--configurations 28m,135m] [--precisions float32,tf32,bfloat16] [--conformance all|none|NAME,...] [--python python3] [--device cuda|cpu] [--rig]
//
// With --rig, for the stand-ins of scripts/cuda-rig, nothing is compared, because their kernels compute nothing. With --device cpu the
// work is done on the processor beside PyTorch there, which compares the programs and needs no GPU.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { textTable } from '@gram/report';

const { values: options } = parseArgs({
  options: {
    configurations: { type: 'string', default: '28m,135m' },
    precisions: { type: 'string', default: 'float32,tf32,bfloat16' },
    conformance: { type: 'string', default: 'all' },
    python: { type: 'string', default: 'python3' },
    device: { type: 'string', default: 'cuda' },
    rig: { type: 'boolean', default: false },
  },
});
const app = dirname(fileURLToPath(import.meta.url));
const KINDS = ['train 1', 'train 2', 'score', 'generate', 'ppo'];
/** Largest relative difference of the first numbers from those of PyTorch. */
const TOLERANCES = { float32: 1e-3, tf32: 1e-2, bfloat16: 3e-2 };
let failures = 0;

function run(command, args, env = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' };
}
const program = (name, args, env) => run(process.execPath, [join(app, name), ...args], env);

/** Runs a program and reads the JSON of its last line; says what it wrote where it fails. */
function json(what, { status, stdout, stderr }) {
  if (status === 0) return JSON.parse(stdout.trimEnd().split('\n').at(-1));
  failures++;
  console.log(`${what} failed:\n${stderr.trimEnd().split('\n').slice(-12).join('\n')}`);
  return undefined;
}

console.log('# doctor');
const doctor = program('doctor.mjs', []);
console.log(doctor.stdout.trimEnd());
if (options.rig) console.log('Kernels compute nothing on the rig: no number is compared.');
else if (options.device === 'cuda' && doctor.status !== 0) {
  console.log('There is no CUDA here: nothing else is run.');
  process.exit(1);
}

console.log(`\n# conformance on ${options.device}`);
const suites = readdirSync(app).filter((name) => /^conformance-.*\.mjs$/.test(name));
for (const suite of suites) {
  const name = suite.slice('conformance-'.length, -'.mjs'.length);
  if (options.conformance !== 'all' && !options.conformance.split(',').includes(name)) continue;
  const outcome = program(suite, [], {
    GRAM_KIT_DEVICE: options.device,
    ...(options.rig && { GRAM_KIT_RIG: '1' }),
  });
  if (outcome.stderr.includes('FAILED')) console.log(outcome.stderr.trimEnd());
  const counts =
    outcome.status === 0 || outcome.stdout.includes('passed') ? outcome.stdout.trimEnd() : 'ended early';
  if (outcome.status !== 0) failures++;
  console.log(`${name}: ${counts.split('\n').at(-1)}`);
}

const needed = options.device === 'cuda' ? '; assert torch.cuda.is_available()' : '';
const python = run(options.python, ['-c', `import torch, transformers${needed}`]);
const hasPeer = !options.rig && python.status === 0;
if (!hasPeer) console.log(`\nThere is no PyTorch for ${options.device} here: nothing is measured beside it.`);
const folder = mkdtempSync(join(tmpdir(), 'gram-gpu-'));
const rows = [];
try {
  for (const configuration of options.configurations.split(',')) {
    for (const precision of options.precisions.split(',')) {
      for (const kind of KINDS) measure(kind, configuration, precision);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
const columns = ['work', 'model', 'precision', 'rate', 'beside PyTorch', 'first numbers differ by'];
console.log(
  `\n# work\n${textTable({ columns: columns.map((name) => ({ name })), rows: rows.map(({ cells }) => cells) })}`,
);
writeFileSync('results.json', `${JSON.stringify(rows, null, 2)}\n`);
console.log(failures === 0 ? '\neverything ran; results.json has the numbers' : `\n${failures} failed`);
process.exit(failures === 0 ? 0 : 1);

function measure(kind, configuration, precision) {
  const what = `${kind} ${configuration} ${precision}`;
  const own = json(what, program('work.mjs', [kind, configuration, precision, folder, options.device]));
  if (own === undefined) return;
  const task = join(folder, `${kind}-${configuration}.json`);
  const peer = hasPeer
    ? json(
        `PyTorch, ${what}`,
        run(options.python, [
          ...[join(app, '../peer.py'), kind, join(folder, configuration), task, precision, options.device],
        ]),
      )
    : undefined;
  const apart = peer && Math.max(...own.first.map((value, i) => difference(value, peer.first[i])));
  const isWrong = apart !== undefined && !(apart <= TOLERANCES[precision]);
  if (isWrong) failures++;
  rows.push({
    ...{ kind, configuration, precision, own, peer, apart },
    cells: [
      ...[
        kind,
        configuration,
        precision,
        options.rig ? 'not measured' : `${own.rate.toFixed(1)} ${own.unit}`,
      ],
      peer === undefined ? 'not run' : `${(own.rate / peer.rate).toFixed(2)} x`,
      apart === undefined ? 'not compared' : `${apart.toExponential(1)}${isWrong ? ', too much' : ''}`,
    ],
  });
}

function difference(value, other) {
  return Math.abs(value - other) / Math.max(1e-6, Math.abs(other));
}
