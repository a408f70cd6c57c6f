// One process of a target: runs cases until it is told to end or something ends it. It writes the number of the case to a
// file before each, so that its parent knows which one ended it.
import { closeSync, openSync, writeSync } from 'node:fs';
import { createRandom, GramError } from '@gram/base';
import { targets } from './targets/index.mjs';

const MAX_BYTES = 1024 ** 3;
const [, , name, folder, seed, first, end, marker] = process.argv;

const target = targets.find((each) => each.name === name);
const opened = await target.open(folder);
const file = openSync(marker, 'w');
const counts = { same: 0, other: 0, refused: 0 };
const codes = {};
const faults = [];
let reported = Date.now();

for (let index = Number(first); index < Number(end); index++) {
  writeSync(file, String(index).padEnd(12), 0);
  await attempt(index);
  if (faults.length > 0 || Date.now() - reported > 500) await report(index + 1);
  if (process.resourceUsage().maxRSS * 1024 > MAX_BYTES) process.exit(86);
}
await report(Number(end));
closeSync(file);
await opened.close?.();
process.disconnect();

/** Makes one input, reads it and judges what came of it. */
async function attempt(index) {
  const random = createRandom(Number(seed), name, index);
  const input = opened.mutate(random);
  const fault = (kind, detail) => faults.push({ index, kind, detail: String(detail).slice(0, 2000) });
  let answer;
  try {
    answer = await opened.read(input, random);
  } catch (error) {
    if (!(error instanceof GramError)) return fault('foreign', error?.stack ?? error);
    if (/[\p{Cc}\p{Bidi_Control}]/u.test(error.message + error.hint))
      return fault('raw text', JSON.stringify(error.message));
    counts.refused++;
    codes[error.code] = (codes[error.code] ?? 0) + 1;
    return undefined;
  }
  if (answer === opened.answer) counts.same++;
  else {
    counts.other++;
    const problem = opened.unexplained(input, answer, random);
    if (problem !== undefined) fault('unexplained', problem);
  }
  return undefined;
}

function report(next) {
  reported = Date.now();
  const message = { next, counts: { ...counts }, codes: { ...codes }, faults: faults.splice(0) };
  for (const key of Object.keys(counts)) counts[key] = 0;
  for (const key of Object.keys(codes)) delete codes[key];
  return new Promise((resolve) => process.send(message, resolve));
}
