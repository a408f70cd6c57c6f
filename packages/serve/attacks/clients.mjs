import { Agent, request } from 'node:http';
import { sleep } from './watch.mjs';

/**
 * Lets clients ask for comparisons, each on a connection that it keeps, and checks every answer.
 *
 * @param target a server of `startTarget`
 * @returns numbers of requests, of answers 429, of those that were wrong or missing, and the memory after each of five parts
 */
export async function runClients(target, { clients = 64, seconds = 300 } = {}) {
  const tally = { clients, answered: 0, busy: 0, lost: 0, memory: [] };
  const start = performance.now();
  const end = start + 1000 * seconds;
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const client = async (number) => {
    for (let turn = 0; performance.now() < end; turn++) {
      const pairs = Array.from({ length: 1 + ((number + turn) % 4) }, (_, index) => ({
        prompt: `${number}/${turn}`,
        a: 'x'.repeat(1 + ((number * 7 + turn + index) % 60)),
        b: 'yyyyyyy',
      }));
      const { status, body } = await send(`${target.url}/v1/compare`, { pairs }, agent);
      if (status === 429) {
        tally.busy += 1;
        await sleep(100);
      } else if (status === 200 && isRight(body, pairs)) tally.answered += 1;
      else tally.lost += 1;
    }
  };
  const watch = (async () => {
    for (let part = 1; part <= 5; part++) {
      await sleep(Math.max(0, start + (part * 1000 * seconds) / 5 - performance.now() - 50));
      tally.memory.push(await target.memory());
    }
  })();
  await Promise.all([watch, ...Array.from({ length: clients }, (_, number) => client(number))]);
  agent.destroy();
  return tally;
}

const isRight = ({ results }, pairs) =>
  results.length === pairs.length &&
  pairs.every(({ a, b }, index) => results[index].probability === a.length / (a.length + b.length));

/** Sends JSON and returns status and body; status 0 where no whole answer came. */
export function send(url, body, agent) {
  return new Promise((resolve) => {
    const failed = () => resolve({ status: 0, body: undefined });
    const headers = { 'Content-Type': 'application/json' };
    const sent = request(url, { method: 'POST', agent, headers, timeout: 30_000 }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () => {
        if (!response.complete) return failed();
        resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks)) });
      });
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', failed);
    sent.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}
