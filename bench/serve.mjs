/**
 * Measures the server under load, and kills it under load:
 *
 *     npm run bench:serve -- [--seconds 300] [--clients 64] [--kills 3]
 *
 * A server of a tiny generative model with random weights runs in a process of its own. Clients send one to four pairs at a
 * time, as fast as they are answered, and compare every reply with what the model says without a server. Then the server is
 * killed and started again while they go on: a reply that was received must be whole and right, and what was not answered is
 * sent again. The throughput stands beside that of the model alone, in one process, in calls of as many comparisons as a batch
 * has; both are made in one run.
 *
 * Clients and server share the cores, and the model alone has all of them. With clients on other cores the server would have the
 * processor time that they take, so a second ratio divides its throughput by the share of all processor time that is left to it.
 */
import { fork } from 'node:child_process';
import { Agent, request as httpRequest } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { threadCount } from '@gram/base';
import { textTable } from '@gram/report';
import { json, mega } from './common.mjs';
import { describeMachine } from './report/machine.mjs';
import { publish } from './report/publish.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    clients: { type: 'string', default: '64' },
    kills: { type: 'string', default: '3' },
  },
});
const [seconds, clients, kills] = [values.seconds, values.clients, values.kills].map(Number);
const machine = describeMachine();
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const ITEMS = 512;
const BATCH = 32;
/** Small enough to be full at times: 64 clients have up to 256 comparisons under way. */
const QUEUE = 128;
/** Batches are padded to their longest sequence, which moves probabilities by rounding. */
const TOLERANCE = 1e-5;

const { makeItems } = await import('./serve/model.mjs');
const items = makeItems(ITEMS);
const alone = () =>
  json(process.execPath, [here('./serve/offline.mjs'), ITEMS, Math.min(10, seconds), BATCH].map(String));

/** Starts a server; without a port, on any that is free. */
function startServer(port = 0) {
  const child = fork(here('./serve/server.mjs'), [port, QUEUE, 4].map(String));
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    child.once('message', ({ url }) => resolve({ child, url }));
  });
}

const memory = ({ child }) =>
  new Promise((resolve) => {
    child.once('message', ({ rss }) => resolve(rss));
    child.send('rss');
  });

const agent = new Agent({ keepAlive: true, maxSockets: clients });

/** Sends one request; rejects where no whole answer came. */
function send(url, pairs) {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      `${url}/v1/compare`,
      { method: 'POST', agent, headers: { 'Content-Type': 'application/json' } },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (!response.complete) return reject(new Error('the answer broke off'));
          resolve({
            status: response.statusCode,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify({ pairs }));
  });
}

/** Lets the clients ask until the time is up. */
async function load(server, expected, milliseconds) {
  const tally = { requests: 0, done: 0, comparisons: 0, busy: 0, broken: 0, wrong: 0, other: 0, times: [] };
  const end = performance.now() + milliseconds;
  const client = async (number) => {
    for (let turn = number * 7919; performance.now() < end; turn++) {
      const places = Array.from({ length: 1 + (turn % 4) }, (_, i) => (turn * 31 + i * 17) % ITEMS);
      const pairs = places.map((place) => items[place]);
      // A request is sent until it is answered, also beyond the end: none may be lost.
      for (;;) {
        tally.requests++;
        const start = performance.now();
        try {
          const { status, headers, text } = await send(server.url, pairs);
          if (status === 429) {
            tally.busy++;
            await sleep(1000 * Number(headers['retry-after']));
            continue;
          }
          if (status !== 200) {
            tally.other++;
            await sleep(100);
            continue;
          }
          tally.times.push(performance.now() - start);
          const { results } = JSON.parse(text);
          const right =
            results.length === places.length &&
            places.every((place, i) => Math.abs(results[i].probability - expected[place]) < TOLERANCE);
          if (!right) tally.wrong++;
          tally.done++;
          tally.comparisons += places.length;
          break;
        } catch {
          tally.broken++;
          await sleep(100);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return tally;
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** Other work on the machine comes and goes: the model alone and the server take turns. */
const rounds = Math.max(1, Math.min(6, Math.floor(seconds / 30)));
let beside = await alone();
const { expected } = beside;
const spread = new Set(expected.map((value) => Math.round(value / (2 * TOLERANCE)))).size;
console.log(`${ITEMS} items, ${spread} answers that can be told apart; ${clients} clients, ${seconds} s`);

let server = await startServer();
const rss = [await memory(server)];
const calm = { requests: 0, done: 0, comparisons: 0, busy: 0, broken: 0, wrong: 0, other: 0, times: [] };
const rates = [];
for (let round = 0; round < rounds; round++) {
  const [start, used] = [performance.now(), process.cpuUsage()];
  const tally = await load(server, expected, (1000 * seconds) / rounds);
  const milliseconds = performance.now() - start;
  const rate = (1000 * tally.comparisons) / milliseconds;
  const { user, system } = process.cpuUsage(used);
  const clientShare = (user + system) / 1000 / milliseconds / threadCount();
  for (const [name, value] of Object.entries(tally))
    calm[name] = Array.isArray(value) ? calm[name].concat(value) : calm[name] + value;
  rss.push(await memory(server));
  const before = beside.rate;
  beside = await alone();
  rates.push({ rate, alone: (before + beside.rate) / 2, clientShare });
}

// Between two kills the clients get answers for a while.
const running = load(server, expected, 1000 * 5 * kills);
for (let kill = 0; kill < kills; kill++) {
  await sleep(2500);
  const { child, url } = server;
  child.removeAllListeners('exit');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  server = { ...(await startServer(Number(new URL(url).port))), url };
}
const shaken = await running;
server.child.removeAllListeners('exit');
server.child.kill();
agent.destroy();

const times = calm.times.toSorted((a, b) => a - b);
const rows = [
  ['requests answered', calm.done, shaken.done],
  ['not answered at the first try (no server)', calm.broken, shaken.broken],
  [
    'answers 429',
    `${((100 * calm.busy) / calm.requests).toFixed(1)} %`,
    `${((100 * shaken.busy) / shaken.requests).toFixed(1)} %`,
  ],
  ['other answers', calm.other, shaken.other],
  ['wrong, crossed or cut answers', calm.wrong, shaken.wrong],
];
const columns = ['', 'load', `load, killed ${kills} times`].map((name) => ({ name }));
console.log(`\n${textTable({ columns, rows })}\n`);
console.log(
  `latency p50 ${percentile(times, 0.5).toFixed(0)} ms, p99 ${percentile(times, 0.99).toFixed(0)} ms`,
);
console.log(`memory at the start and after each round: ${rss.map(mega).join(', ')}`);
await publish({
  name: 'serve',
  title: 'Serving',
  about: `A server of a tiny model with ${clients} clients, which share the cores with it, beside the same model without a server.`,
  ...{ machine, rounds, results: { 'gram serve': { rounds: rates } } },
  figures: [
    { name: 'comparisons of the server', unit: '1/s', of: ({ rate }) => rate },
    { name: 'comparisons of the model alone', unit: '1/s', of: (each) => each.alone },
    { name: 'speed beside the model alone', unit: 'x', of: (each) => each.rate / each.alone },
    { name: 'processor time that clients take', unit: '%', of: (each) => 100 * each.clientShare },
  ],
  targets: [
    {
      name: 'speed beside the model alone, by the processor time that clients leave',
      own: 'gram serve',
      of: (each) => each.rate / each.alone / (1 - each.clientShare),
      least: 0.95,
    },
  ],
});
const failed = calm.wrong + shaken.wrong + calm.broken + calm.other + shaken.other;
console.log(failed === 0 ? 'nothing was lost or crossed' : `${failed} failures`);
process.exitCode = failed === 0 ? 0 : 1;
