/**
 * Ranks that work together until rank 1 does what the command line says: `kill` ends it at once, `freeze` stops it,
 * `idle` leaves it alive and waiting for something else, `leave` ends it in order but without taking leave, `abort` ends all.
 */
import { connect } from '@gram/train';

const [what, stallSeconds] = process.argv.slice(2);
const communicator = await connect({
  stallSeconds: Number(stallSeconds),
  onStuck: () => process.kill(process.pid, 'SIGKILL'),
});
// A launcher that sees a process die terminates the others, often before they have noticed: time to say which rank it was.
process.once('SIGTERM', () => setTimeout(() => process.kill(process.pid, 'SIGTERM'), 500));
const values = new Float32Array(1_000_000);
for (let step = 0; ; step++) {
  await communicator.allReduceSum(values);
  if (communicator.rank === 0 && step === 20) process.stdout.write(`${JSON.stringify({ lost: Date.now() })}\n`);
  if (communicator.rank !== 1 || step < 20) continue;
  if (what === 'kill') process.kill(process.pid, 'SIGKILL');
  if (what === 'freeze') process.kill(process.pid, 'SIGSTOP');
  if (what === 'leave') process.exit(0);
  if (what === 'abort') await communicator.abort('the disk is full');
  if (what === 'idle') await new Promise((resolve) => setTimeout(resolve, 600_000));
}
