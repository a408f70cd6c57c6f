/**
 * Every operation of a communicator at sizes that are awkward, checked against sums in plain JavaScript. Prints one line of
 * JSON for each rank: what went wrong, and a hash of all results, which must be the same everywhere.
 */
import { createHash } from 'node:crypto';
import { connect } from '@gram/train';

const communicator = await connect();
const { rank, size } = communicator;
const faults = [];
const hash = createHash('sha256');
const ranks = Array.from({ length: size }, (_, i) => i);

/** What a rank contributes: whole numbers, whose sums are exact, or fractions. Made once, and handed out as copies. */
const made = new Map();
function contribution(of, length, exact) {
  const key = `${of} ${length} ${exact}`;
  if (!made.has(key)) {
    let state = 7 * length + of + 1;
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      values[i] = exact ? state >>> 22 : state / 2 ** 32 - 0.5;
    }
    made.set(key, values);
  }
  return made.get(key).slice();
}

const sums = new Map();
function sum(length) {
  if (!sums.has(length)) {
    const total = new Float32Array(length);
    for (const each of ranks) {
      const values = contribution(each, length, true);
      for (let i = 0; i < length; i++) total[i] += values[i];
    }
    sums.set(length, total);
  }
  return sums.get(length);
}

function expectEqual(what, length, got, wanted) {
  if (Buffer.compare(bytes(got), bytes(wanted)) !== 0) faults.push(`${what} of ${length}`);
}

const bytes = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

for (const length of [0, 1, 2, 7, 16, 17, 1023, 65_537, 2_000_003]) {
  const values = contribution(rank, length, true);
  await communicator.allReduceSum(values);
  expectEqual('allReduceSum', length, values, sum(length));

  const fractions = contribution(rank, length, false);
  await communicator.allReduceSum(fractions);
  hash.update(bytes(fractions));

  const doubles = new Float64Array(length).fill(rank + 0.5);
  await communicator.allReduceSum(doubles);
  expectEqual('allReduceSum in float64', length, doubles, new Float64Array(length).fill((size * size) / 2));

  // The last rank takes what is left, the first nothing where there is one more.
  const counts = ranks.map((each) => (each === size - 1 ? length - (size - 1) * (length >> 2) : length >> 2));
  if (counts.at(-1) < 0) continue;
  const start = counts.slice(0, rank).reduce((a, b) => a + b, 0);
  const into = new Float32Array(counts[rank]);
  await communicator.reduceScatterSum(contribution(rank, length, true), counts, into);
  const part = sum(length).subarray(start, start + counts[rank]);
  expectEqual('reduceScatterSum', length, into, part);

  const gathered = new Float32Array(length);
  gathered.set(part, start);
  await communicator.allGather(gathered, counts);
  expectEqual('allGather', length, gathered, sum(length));

  for (const root of ranks) {
    const sent = contribution(rank, length, false);
    await communicator.broadcast(sent, root);
    expectEqual('broadcast', length, sent, contribution(root, length, false));
  }
  const text = new Uint8Array(length).fill(rank + 1);
  await communicator.broadcast(text);
  expectEqual('broadcast of bytes', length, text, new Uint8Array(length).fill(1));
}

// Operations that are begun together run in order, and the event loop turns meanwhile.
const several = Array.from({ length: 8 }, (_, i) => new Float32Array(500_000).fill(i));
let ticks = 0;
const timer = setInterval(() => ticks++, 1);
await Promise.all(several.map((values) => communicator.allReduceSum(values)));
clearInterval(timer);
for (const [i, values] of several.entries()) {
  expectEqual('allReduceSum among others', i, values, new Float32Array(500_000).fill(size * i));
}
if (ticks === 0 && size > 1) faults.push('the event loop stood still');
await communicator.barrier();
console.log(JSON.stringify({ rank, size, faults, hash: hash.digest('hex') }));
await communicator.close();
