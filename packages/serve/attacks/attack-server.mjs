import { attackWithChunksApart } from './chunks.mjs';
import { runClients } from './clients.mjs';
import { askAsDescribed } from './described.mjs';
import { attackWithSilence } from './silent.mjs';
import { startTarget } from './start-target.mjs';
import { watchWhile } from './watch.mjs';

const MB = 2 ** 20;

/** What the server is held to. */
const BOUNDS = {
  /** Longest time for which the server may do one thing, and with it a health check on a free machine, in milliseconds. */
  turnMs: 200,
  /** The same as a multiple of that of the idle server, on a machine on which even that waits for other programs. */
  turnRatio: 4,
  /** Memory above that before the attack with chunks, in bytes. */
  chunkBytes: 100 * MB,
  /** Share of other clients that get their answers beside silent ones. */
  served: 0.99,
  /** Growth of memory from the second to the last fifth of the time with clients, in bytes. */
  growthBytes: 50 * MB,
};

const starts = {
  silent: '',
  'half a request': 'GET /health HTTP/1.1\r\nHost: localhost\r\n',
  'answered once': 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'half a body':
    'POST /v1/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
};

/**
 * Runs every attack against a server of its own.
 *
 * @param {object} options seconds for the clients and for random requests, connections, chunks and others of the attacks
 * @returns what happened at each, and the bounds that were not kept
 */
export async function attackServer({
  seconds = 300,
  connections = 60,
  chunks = 1_000_000,
  silent = 1000,
  others = 200,
} = {}) {
  const results = {};
  const broken = [];
  const check = (isKept, what) => isKept || broken.push(what);
  const on = async (name, attack) => {
    const target = await startTarget();
    try {
      results[name] = await attack(target);
      check(target.faults.length === 0, `${name}: the server reported ${target.faults.join(', ')}`);
    } finally {
      await target.stop();
    }
  };

  for (const path of ['/v1/compare', '/nowhere', '/health']) {
    const name = `bodies in chunks of one byte to ${path}`;
    await on(name, async (target) => {
      const attack = () => attackWithChunksApart(target.url, { connections, chunks, path });
      const result = await watchWhile(target, attack);
      const longest = Math.max(BOUNDS.turnMs, BOUNDS.turnRatio * result.idleTurnMs);
      check(
        result.longestTurnMs <= longest,
        `${name}: a turn took ${result.longestTurnMs} ms, and when idle ${result.idleTurnMs}`,
      );
      check(result.peakBytes <= BOUNDS.chunkBytes, `${name}: memory grew by ${result.peakBytes} bytes`);
      check(result.failedHealthChecks === 0, `${name}: ${result.failedHealthChecks} health checks failed`);
      return result;
    });
  }
  for (const [kind, start] of Object.entries(starts)) {
    const name = `${silent} connections, ${kind}`;
    await on(name, async (target) => {
      const attack = () => attackWithSilence(target.url, { connections: silent, others, start });
      const result = await watchWhile(target, attack);
      check(result.served >= BOUNDS.served * result.others, `${name}: ${result.served} of ${result.others}`);
      return result;
    });
  }
  await on('64 clients', async (target) => {
    const result = await runClients(target, { seconds });
    const [, second, , , last] = result.memory;
    check(result.lost === 0, `64 clients: ${result.lost} answers were lost or wrong`);
    check(last - second <= BOUNDS.growthBytes, `64 clients: memory grew by ${last - second} bytes`);
    return result;
  });
  await on('requests made from the description', async (target) => {
    const result = await askAsDescribed(target.url, { seconds });
    check(result.failureCount === 0, `described requests: ${JSON.stringify(result.failures[0])}`);
    return result;
  });
  return { results, broken };
}
