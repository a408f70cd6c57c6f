import { request } from 'node:http';
import { connect } from 'node:net';
import { sleep } from './watch.mjs';

const OPENED_AT_ONCE = 50;

/**
 * Opens connections that send nothing, or the start of a request, and opens each again when it is closed, while others ask for
 * comparisons on connections of their own.
 *
 * @returns how many of the others were answered as they should
 */
export async function attackWithSilence(url, { connections = 1000, others = 200, start = '' } = {}) {
  const port = Number(new URL(url).port);
  const sockets = new Set();
  let isOver = false;
  let reopened = 0;
  const open = () =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', resolve);
      sockets.add(socket);
      socket.on('connect', () => start && socket.write(start));
      socket.on('data', () => {});
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        resolve();
        if (isOver) return;
        reopened += 1;
        // One that is closed comes back, but not faster than a network would bring it.
        setTimeout(() => !isOver && open(), 100);
      });
    });
  const flood = (async () => {
    for (let at = 0; at < connections && !isOver; at += OPENED_AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(OPENED_AT_ONCE, connections - at) }, open));
    }
  })();
  let served = 0;
  for (let asked = 0; asked < others; asked++) {
    if (await ask(url)) served += 1;
    await sleep(5);
  }
  await flood;
  for (let asked = 0; asked < others; asked++) {
    if (await ask(url)) served += 1;
  }
  isOver = true;
  for (const socket of sockets) socket.destroy();
  return { connections, reopened, others: 2 * others, served };
}

/** Whether a new client gets its comparison within a second. */
function ask(url) {
  const pairs = [{ prompt: 'x', a: 'yy', b: 'z' }];
  return new Promise((resolve) => {
    const headers = { 'Content-Type': 'application/json' };
    const options = { method: 'POST', agent: false, timeout: 1000, headers };
    const sent = request(`${url}/v1/compare`, options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', () => resolve(false));
      response.on('end', () => {
        resolve(response.statusCode === 200 && JSON.parse(Buffer.concat(chunks)).results.length === 1);
      });
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(false));
    sent.end(JSON.stringify({ pairs }));
  });
}
