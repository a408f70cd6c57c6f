import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Starts a server to attack, in a process of its own.
 *
 * @param {object} options options of `createRewardServer`
 * @returns its address, a function that measures its memory in bytes, the faults that it reported, and one that ends it
 */
export async function startTarget(options = {}) {
  const path = fileURLToPath(new URL('./target.mjs', import.meta.url));
  const child = fork(path, [JSON.stringify(options)], { execArgv: ['--expose-gc'] });
  const faults = [];
  child.on('message', ({ fault }) => {
    if (fault !== undefined) faults.push(fault);
  });
  const reply = (field) =>
    new Promise((resolve, reject) => {
      const onExit = (code) => reject(new Error(`the server ended with ${code}`));
      const onMessage = (message) => {
        if (!(field in message)) return;
        child.off('exit', onExit);
        child.off('message', onMessage);
        resolve(message[field]);
      };
      child.on('exit', onExit);
      child.on('message', onMessage);
    });
  const url = await reply('url');
  return {
    url,
    faults,
    async memory({ settled = false } = {}) {
      const bytes = reply('bytes');
      child.send(settled ? 'settled memory' : 'memory');
      return bytes;
    },
    /** The longest time for which the server did one thing since this was asked last, in milliseconds. */
    async longestTurn() {
      const turn = reply('turnMs');
      child.send('turn');
      return turn;
    },
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}
