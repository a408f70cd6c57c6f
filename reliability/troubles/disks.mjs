// Troubles with the disk that a run writes to.
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { limited, noDisk, remount } from './stage.mjs';

const ALL = ['finetune', 'LoRA', 'PPO', 'benchmark', 'eval'];
/** Runs that leave something on the way. */
const LONG = ['finetune', 'LoRA', 'PPO', 'benchmark'];

export const disks = [
  {
    name: 'disk full from the start',
    runs: ALL,
    missing: noDisk,
    diskSize: '2m',
    async make({ stage, expectSaid }) {
      fill(stage);
      expectSaid(await stage.start().ended, { how: 1, words: /ENOSPC/ });
      rmSync(stage.path('filler'));
    },
  },
  {
    name: 'disk full on the way',
    runs: LONG,
    missing: noDisk,
    diskSize: '4m',
    async make({ stage, expectSaid }) {
      const { ended } = stage.start();
      await stage.until(stage.hasBegun, ended);
      fill(stage);
      expectSaid(await ended, { how: 1, words: /ENOSPC/ });
      rmSync(stage.path('filler'));
    },
  },
  {
    name: 'files limited to 8 kB',
    runs: ALL,
    missing: process.platform === 'win32' ? 'there is no ulimit' : undefined,
    async make({ stage, expectSaid }) {
      expectSaid(await stage.start(limited('-f 8', stage.command)).ended, { how: 1, words: /EFBIG/ });
    },
  },
  {
    name: 'disk read-only',
    runs: ALL,
    missing: noDisk,
    diskSize: '4m',
    async make({ stage, expectSaid }) {
      remount(stage.place, 'ro');
      expectSaid(await stage.start().ended, { how: 1, words: /cannot write to|EROFS/ });
      remount(stage.place, 'rw');
    },
  },
  {
    name: 'output deleted on the way',
    runs: LONG,
    async make({ stage, expectSaid, fault }) {
      const { ended } = stage.start();
      await stage.until(stage.hasBegun, ended);
      rmSync(stage.path('out'), { recursive: true, force: true, maxRetries: 20 });
      expectSaid(await ended, { how: 1, words: /was deleted or taken over|ENOENT/ });
      if (existsSync(stage.path('out'))) fault('the output was made anew');
    },
  },
];

/** Fills the disk of a stage up to its last byte. */
function fill(stage) {
  const { bavail, bsize } = statfsSync(stage.place);
  try {
    writeFileSync(stage.path('filler'), Buffer.alloc(bavail * bsize + bsize));
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
  }
}
