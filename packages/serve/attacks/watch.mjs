import { request } from 'node:http';

const INTERVAL_MS = 20;
/** Time for which a server is watched before something happens to it. */
const IDLE_MS = 2000;

/** Waits. */
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Asks whether the server is well, on a connection of its own, and measures how long that takes, in milliseconds. */
export function checkHealth(url, timeoutMs = 30_000) {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/health`, { agent: false, timeout: timeoutMs }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - start);
        else reject(new Error(`the health check was answered ${response.statusCode}`));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`the health check took ${timeoutMs} ms`)));
    sent.on('error', reject);
    sent.end();
  });
}

/** Latencies of health checks for a time. */
async function checkOften(url, milliseconds) {
  const latencies = [];
  for (const end = performance.now() + milliseconds; performance.now() < end; await sleep(INTERVAL_MS)) {
    latencies.push(await checkHealth(url));
  }
  return latencies;
}

/**
 * Checks health and memory of a server while something happens to it.
 *
 * @returns the result of `attack`, latencies of the health check and longest turns of the server, in milliseconds and also for
 *   the idle server before, and the largest memory above that before, in bytes
 */
export async function watchWhile(target, attack) {
  const before = await target.memory({ settled: true });
  // What came before, the start of the process above all, does not count.
  await target.longestTurn();
  const idle = await checkOften(target.url, IDLE_MS);
  const idleTurnMs = await target.longestTurn();
  const latencies = [];
  let failures = 0;
  let peak = before;
  let isOver = false;
  const health = (async () => {
    while (!isOver) {
      try {
        latencies.push(await checkHealth(target.url));
      } catch {
        failures += 1;
      }
      await sleep(INTERVAL_MS);
    }
  })();
  const memory = (async () => {
    while (!isOver) {
      peak = Math.max(peak, await target.memory());
      await sleep(100);
    }
  })();
  const result = await attack();
  isOver = true;
  await Promise.all([health, memory]);
  const longestTurnMs = await target.longestTurn();
  await sleep(500);
  latencies.sort((a, b) => a - b);
  return {
    ...result,
    longestTurnMs,
    idleTurnMs,
    idleHealthMs: Math.max(...idle),
    healthChecks: latencies.length,
    failedHealthChecks: failures,
    healthMedianMs: latencies[Math.floor(latencies.length / 2)] ?? Number.NaN,
    healthWorstMs: latencies.at(-1) ?? Number.NaN,
    peakBytes: peak - before,
    bytesAfter: (await target.memory({ settled: true })) - before,
  };
}
