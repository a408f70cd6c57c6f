/**
 * Ranks of which the last one does not come to be connected: `stop` stops it before it does anything, `sleep` has it do something
 * else, `die` kills it and `leave` ends it in order; `stop-late` stops it once it has given its first signs. `none` connects
 * all. Each rank that is connected prints one line of JSON with what is left of the signs.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { connect, detectRank } from '@gram/train';

const [what, stallSeconds, sharedFolder] = process.argv.slice(2);
const { rank, size } = detectRank();
if (rank === size - 1) {
  if (what === 'stop') process.kill(process.pid, 'SIGSTOP');
  if (what === 'die') process.kill(process.pid, 'SIGKILL');
  if (what === 'leave') process.exit(0);
  if (what === 'sleep') await new Promise((resolve) => setTimeout(resolve, 600_000));
  // MPI waits for rank 0 by then, and this process listens to nobody.
  if (what === 'stop-late') spawn('sh', ['-c', `sleep 2; kill -STOP ${process.pid}`], { stdio: 'ignore' });
}
// The first rank comes last where another one is to be stopped on its way.
if (what === 'stop-late' && rank === 0) await new Promise((resolve) => setTimeout(resolve, 4000));
const before = performance.now();
const communicator = await connect({
  stallSeconds: Number(stallSeconds),
  sharedFolder,
  onStuck: () => process.kill(process.pid, 'SIGKILL'),
});
const seconds = (performance.now() - before) / 1000;
await communicator.barrier();
await communicator.close();
const folders = [process.env.PMIX_SERVER_TMPDIR, sharedFolder].filter((path) => path && existsSync(path));
const left = folders.flatMap((path) => readdirSync(path)).filter((name) => /ranks-/.test(name));
console.log(JSON.stringify({ rank, seconds, left }));
