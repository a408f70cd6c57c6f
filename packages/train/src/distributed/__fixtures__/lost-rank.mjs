/**
 * Ranks that work together until rank 1 does what the command line says: `kill` ends it at once, `freeze` stops it,
 * `idle` leaves it alive and waiting for something else, `leave` ends it in order but without taking leave, `abort` ends all. With
 * `cuda` as the third argument they sum on the GPUs of the CUDA rig, and `fail` makes an operation of rank 1 fail.
 */
import { place, zeros } from '@gram/engine';
import { openCudaRig } from '@gram/engine/testing';
import { connect, detectRank, localGpu } from '@gram/train';

const [what, stallSeconds, device] = process.argv.slice(2);
if (device === 'cuda') {
  process.env.CUDA_VISIBLE_DEVICES = localGpu(detectRank(), process.env.CUDA_VISIBLE_DEVICES);
  openCudaRig();
  // Libraries are loaded on this thread, which is silent meanwhile.
  await place({}, 'cuda');
}
if (what === 'fail' && detectRank().rank === 1) process.env.RIG_NCCL_FAIL = '30';
const communicator = await connect({
  stallSeconds: Number(stallSeconds),
  onStuck: () => process.kill(process.pid, 'SIGKILL'),
});
// A launcher that sees a process die terminates the others, often before they have noticed: time to say which rank it was.
process.once('SIGTERM', () => setTimeout(() => process.kill(process.pid, 'SIGTERM'), 500));
const sum = await (device === 'cuda' ? onGpus() : onHost());
for (let step = 0; ; step++) {
  await sum();
  if (communicator.rank === 0 && step === 20) process.stdout.write(`${JSON.stringify({ lost: Date.now() })}\n`);
  if (communicator.rank !== 1 || step < 20) continue;
  if (what === 'kill') process.kill(process.pid, 'SIGKILL');
  if (what === 'freeze') process.kill(process.pid, 'SIGSTOP');
  if (what === 'leave') process.exit(0);
  if (what === 'abort') await communicator.abort('the disk is full');
  if (what === 'idle') await new Promise((resolve) => setTimeout(resolve, 600_000));
}

function onHost() {
  const values = new Float32Array(1_000_000);
  return () => communicator.allReduceSum(values);
}

async function onGpus() {
  const { values } = await place({ values: zeros([1_000_000]) }, 'cuda');
  const { run } = await communicator.gpus('cuda');
  return () => run([{ kind: 'allReduce', at: values.address, count: 1_000_000 }]);
}
