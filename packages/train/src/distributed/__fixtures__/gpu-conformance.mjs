/**
 * Every operation of NCCL on the CUDA rig, at sizes that are awkward, checked against sums in plain JavaScript. Prints one line of JSON for
 * each rank: how values go from GPU to GPU, and what went wrong.
 */
import { float32, place } from '@gram/engine';
import { openCudaRig } from '@gram/engine/testing';
import { connect, detectRank, localGpu } from '@gram/train';

process.env.CUDA_VISIBLE_DEVICES = localGpu(detectRank(), process.env.CUDA_VISIBLE_DEVICES);
const rig = openCudaRig();
const communicator = await connect();
const { rank, size } = communicator;
const ranks = Array.from({ length: size }, (_, i) => i);
const faults = [];
const { description, run } = await communicator.gpus('cuda');

/** Values of a rank before an operation: whole numbers, whose sums are exact. */
const valuesOf = (each, length) => Float32Array.from({ length }, (_, i) => ((i + 1) * (7 * each + 3)) % 1021);
const sumOf = (length) => {
  const all = ranks.map((each) => valuesOf(each, length));
  return Float32Array.from({ length }, (_, i) => all.reduce((sum, values) => sum + values[i], 0));
};

/** Runs operations on arrays of some lengths, and compares what `wanted` gives, from the place that it names on. */
async function expectResult(what, lengths, callOf, wanted) {
  const arrays = [];
  for (const length of lengths) {
    const { array } = await place({ array: float32([length], valuesOf(rank, length)) }, 'cuda');
    arrays.push(array);
  }
  await run(arrays.map((array, i) => callOf(array.address, lengths[i])));
  for (const [i, array] of arrays.entries()) {
    const { start = 0, values } = wanted(lengths[i]);
    const { data } = await array.read();
    if (values.some((value, k) => data[start + k] !== value)) faults.push(`${what} of ${lengths[i]}`);
    array.dispose();
  }
}

const lengths = [1, 7, 1023, 65_537];
const even = lengths.map((length) => length * size);
await expectResult('allReduce', lengths, (at, count) => ({ kind: 'allReduce', at, count }), (length) => ({ values: sumOf(length) }));
await expectResult('reduceScatter', even, (at, length) => ({ kind: 'reduceScatter', at, part: length / size }), (length) => {
  const start = (rank * length) / size;
  return { start, values: sumOf(length).subarray(start, start + length / size) };
});
await expectResult('allGather', even, (at, length) => ({ kind: 'allGather', at, part: length / size }), (length) => {
  const all = ranks.map((each) => valuesOf(each, length));
  return { values: all[0].map((_, i) => all[Math.floor((i * size) / length)][i]) };
});
for (const root of ranks) {
  await expectResult('reduce', lengths, (at, count) => ({ kind: 'reduce', at, count, root }), (length) => ({
    values: rank === root ? sumOf(length) : valuesOf(rank, length),
  }));
  await expectResult('broadcast', lengths, (at, count) => ({ kind: 'broadcast', at, count, root }), (length) => ({
    values: valuesOf(root, length),
  }));
}
// The event loop turns while rank 0 waits for the others.
const { array } = await place({ array: float32([8], valuesOf(rank, 8)) }, 'cuda');
await communicator.barrier();
if (rank > 0) await new Promise((resolve) => setTimeout(resolve, 200));
let ticks = 0;
const timer = setInterval(() => ticks++, 5);
await run([{ kind: 'allReduce', at: array.address, count: 8 }]);
clearInterval(timer);
if (rank === 0 && ticks < 3) faults.push(`the event loop turned ${ticks} times`);
if (rig.counts().wrongCopies > 0) faults.push('a copy in a wrong direction');
const failed = await run([{ kind: 'allReduce', at: 4096n, count: 8 }]).catch(({ code, message }) => ({ code, message }));
if (failed?.code !== 'nccl' || !failed.message.includes('invalid argument')) faults.push(`memory of the host: ${failed?.message}`);
console.log(JSON.stringify({ rank, description, faults }));
await communicator.close();
