/**
 * Measures the way from records to the first training step, in memory and in time:
 *
 *     npm run bench:data -- [--records 1000000] [--bytes 1000] [--tokenizer DIRECTORY] [--data FILE ...] [--folder DIRECTORY]
 *
 * Records are pairs of `--bytes` bytes with random words, or those of the FILEs, repeated until there are as many; every one has a text
 * of its own. A small model with the tokenizer of DIRECTORY, or with one that is trained on them, learns from them for one step.
 *
 * Three processes run one after the other. The first one parses the lines and tokenizes their texts and does nothing else. The
 * second one prepares 1,000 records and takes the step: its peak memory is that of the model and the program. The third one does
 * the same with all records. What counts is the difference of the peaks, and the ratio of the rates; where other work runs on the
 * machine the ratio of the processor time says more. With `--folder` records and results stay there, and a run that was stopped goes
 * on with the process that it had not finished.
 */
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRandom } from '@gram/base';
import { readPreferences } from '@gram/data';
import { json, mega } from './common.mjs';

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    bytes: { type: 'string', default: '1000' },
    tokenizer: { type: 'string', default: '' },
    data: { type: 'string', multiple: true, default: [] },
    folder: { type: 'string' },
  },
});
const count = Number(options.records);
const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'gram-bench-'));
mkdirSync(folder, { recursive: true });
const few = join(folder, 'few.jsonl');
const all = join(folder, 'all.jsonl');
try {
  await write(few, Math.min(count, 1000));
  await write(all, count);
  const program = fileURLToPath(new URL('./data/case.mjs', import.meta.url));
  const run = async (name, work, file) => {
    const path = join(folder, `${name}.json`);
    if (!existsSync(path)) {
      const result = await json(process.execPath, [program, work, folder, file, options.tokenizer]);
      writeFileSync(path, JSON.stringify(result));
    }
    return JSON.parse(readFileSync(path, 'utf8'));
  };
  await run('model', 'model', few);
  const alone = await run('alone', 'alone', all);
  const small = await run('few', 'prepare', few);
  const large = await run('all', 'prepare', all);
  const again = await run('again', 'prepare', all);
  const rate = (seconds) => `${Math.round(count / seconds)} records/s`;
  console.log(`${count} records, ${mega(statSync(all).size)}`);
  console.log(`parsing and tokenizing alone: ${rate(alone.seconds)}, ${alone.tokens} tokens`);
  console.log(
    `to the first step: ${rate(large.seconds)}, ${(alone.seconds / large.seconds).toFixed(2)} of it`,
  );
  console.log(
    `processor time: ${alone.cpu.toFixed(1)} s and ${large.cpu.toFixed(1)} s, ${(alone.cpu / large.cpu).toFixed(2)}`,
  );
  console.log(
    `encoding: ${large.encodingSeconds.toFixed(1)} s with ${large.encodingCpu.toFixed(1)} s of processor time`,
  );
  console.log(`the same again, encoded before: ${again.seconds.toFixed(1)} s`);
  console.log(
    `peak memory: ${mega(large.peak)}, ${mega(large.peak - small.peak)} above that of 1000 records`,
  );
} finally {
  if (options.folder === undefined) rmSync(folder, { recursive: true });
}

/** Writes pairs, each with a text of its own, unless they are there. */
async function write(path, records) {
  if (existsSync(path)) return;
  const file = createWriteStream(`${path}.part`);
  for await (const record of take(records)) {
    if (!file.write(`${JSON.stringify(record)}\n`))
      await new Promise((resolve) => file.once('drain', resolve));
  }
  file.end();
  await finished(file);
  renameSync(`${path}.part`, path);
}

async function* take(records) {
  let n = 0;
  while (n < records) {
    for await (const { prompt, chosen, rejected } of options.data.length > 0 ? given() : invented()) {
      yield { id: String(n), prompt: `${n} ${text(prompt)}`, chosen: text(chosen), rejected: text(rejected) };
      n++;
      if (n === records) return;
    }
  }
}

function text(turns) {
  return typeof turns === 'string' ? turns : turns.map(({ content }) => content).join('\n');
}

async function* given() {
  for (const path of options.data) yield* readPreferences(path);
}

/** Pairs of random words, as frequent as words are: the n-th with a probability of about 1 / n. */
function* invented() {
  const random = createRandom(1, 'records');
  const letters = 'etaoinshrdlucmfwypvbgkqjxz';
  const words = Array.from({ length: 20_000 }, () =>
    Array.from({ length: 2 + random.integer(8) }, () => letters[Math.floor(26 * random.uniform() ** 2)]).join(
      '',
    ),
  );
  const sentence = (length) => {
    let made = '';
    while (made.length < length) made += `${words[Math.floor(20_000 ** random.uniform()) - 1]} `;
    return `${made.slice(0, length - 1)}.`;
  };
  const each = Math.floor((Number(options.bytes) - 60) / 3);
  for (;;) yield { prompt: sentence(each), chosen: sentence(each), rejected: sentence(each) };
}
