import { send } from './clients.mjs';
import { randomValue } from './requests.mjs';

/** Longest time for an answer to a small request, in milliseconds. */
const HANG_MS = 10_000;

/**
 * Sends random requests that are made from the server's OpenAPI document, for a time, and checks that each answer is one that the
 * document names and that none says that the server failed.
 *
 * @returns how many requests had which status, and what was not as described
 */
export async function askAsDescribed(url, { seconds = 300, clients = 8, seed = 1 } = {}) {
  const document = await (await fetch(`${url}/openapi.json`)).json();
  const posts = Object.entries(document.paths).filter(([, { post }]) => post !== undefined);
  const end = performance.now() + 1000 * seconds;
  const statuses = {};
  const failures = [];
  const client = async (number) => {
    const random = createRandom(seed * 1000 + number);
    while (performance.now() < end) {
      const [path, { post }] = posts[Math.floor(random() * posts.length)];
      const { schema } = post.requestBody.content['application/json'];
      const body = randomValue(schema, random);
      const start = performance.now();
      const { status, body: answer } = await send(url + path, body);
      const took = performance.now() - start;
      statuses[status] = (statuses[status] ?? 0) + 1;
      const isError = status !== 200 && Object.keys(answer?.error ?? {}).join() !== 'code,message,hint';
      if (took < HANG_MS && status !== 0 && status < 500 && status in post.responses && !isError) continue;
      failures.push({ path, status, took, body: JSON.stringify(body)?.slice(0, 300) });
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return { seed, statuses, failures: failures.slice(0, 20), failureCount: failures.length };
}

/** Numbers from 0 to 1 that a seed decides: mulberry32. */
function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
