// Troubles with other processes, and with the clock.
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

const LONG = ['finetune', 'LoRA', 'PPO', 'benchmark'];
const CLOCK = new URL('clock.mjs', import.meta.url).href;
/** A holder on another machine counts as dead after this long without a sign of life, with some room. */
const PATIENCE_SECONDS = 40;

export const writers = [
  {
    name: 'two writers',
    runs: LONG,
    async make({ stage, expectSaid, fault }) {
      const first = stage.start();
      await stage.until(() => holderOf(stage)?.pid === first.child.pid, first.ended);
      const words = new RegExp(`in use by process ${first.child.pid} on "${hostname()}"`);
      // A short run would be over before the second one has started.
      first.child.kill('SIGSTOP');
      expectSaid(await stage.start().ended, { how: 1, words });
      first.child.kill('SIGCONT');
      const { how, stderr } = await first.ended;
      if (how !== 0) fault(`the first one ended with ${how}: ${stderr}`);
    },
  },
  {
    name: 'holder of the lock killed',
    runs: LONG,
    async make({ stage, expectSaid, fault }) {
      const first = stage.start();
      await stage.until(() => holderOf(stage)?.pid === first.child.pid, first.ended);
      first.child.kill('SIGKILL');
      await first.ended;
      if (holderOf(stage) === undefined) fault('there was no lock');
      expectSaid(await stage.start().ended, { how: 0, words: /^/ });
    },
  },
  {
    name: 'holder of the lock killed on another machine',
    runs: ['finetune'],
    async make({ stage, expectSaid, fault }) {
      const first = stage.start();
      await stage.until(() => holderOf(stage)?.pid === first.child.pid, first.ended);
      first.child.kill('SIGKILL');
      await first.ended;
      writeFileSync(
        lockOf(stage),
        JSON.stringify({ ...holderOf(stage), host: 'another', machine: 'another' }),
      );
      const started = performance.now();
      const second = stage.start();
      await stage.until(() => holderOf(stage)?.pid === second.child.pid, second.ended);
      const seconds = (performance.now() - started) / 1000;
      if (seconds > PATIENCE_SECONDS) fault(`it took ${seconds.toFixed(0)} s to take the lock over`);
      expectSaid(await second.ended, { how: 0, words: /^/ });
    },
  },
  {
    name: 'clock set back an hour on the way, and again',
    runs: [...LONG, 'eval'],
    async make({ stage, expectSaid }) {
      const behind = (milliseconds) => ({
        NODE_OPTIONS: `--import ${CLOCK}`,
        GRAM_CLOCK_AFTER: String(milliseconds),
      });
      const first = stage.start(undefined, behind(1500));
      await stage.until(stage.hasBegun, first.ended);
      first.child.kill('SIGKILL');
      await first.ended;
      expectSaid(await stage.start(undefined, behind(0)).ended, { how: 0, words: /^/ });
    },
  },
];

function lockOf(stage) {
  return stage.path('out/run.lock');
}

/** The process that a lock names; undefined where there is none. */
function holderOf(stage) {
  try {
    return JSON.parse(readFileSync(lockOf(stage), 'utf8'));
  } catch {
    return undefined;
  }
}
