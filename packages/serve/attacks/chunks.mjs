import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';

/** Chunks that one write holds. */
const CHUNKS_OF_WRITE = 10_000;

const head = (path) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;

/**
 * Sends bodies in chunks of one byte each over many connections at once, as fast as the server takes them.
 *
 * @returns how many connections were answered, and with which statuses
 */
export async function attackWithChunks(
  url,
  { connections = 60, chunks = 1_000_000, path = '/v1/compare' } = {},
) {
  const statuses = {};
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const status = await sendChunks(url, chunks, path);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }),
  );
  return { connections, statuses };
}

/** Runs the attack on a thread of its own, so that health checks of this one measure the server alone. */
export function attackWithChunksApart(url, options) {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module)
      .then(({ attackWithChunks }) => attackWithChunks(workerData.url, workerData.options))
      .then((result) => parentPort.postMessage(result));`;
  const worker = new Worker(source, { eval: true, workerData: { module: import.meta.url, url, options } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function sendChunks(url, chunks, path) {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const piece = '1\r\n[\r\n'.repeat(CHUNKS_OF_WRITE);
    let sent = 0;
    let answer = '';
    const send = () => {
      while (sent < chunks && !socket.destroyed) {
        sent += CHUNKS_OF_WRITE;
        if (!socket.write(piece)) {
          socket.once('drain', send);
          return;
        }
      }
      if (!socket.destroyed) socket.write('0\r\n\r\n');
    };
    socket.on('data', (data) => (answer += data));
    socket.on('end', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'none'));
    socket.write(head(path));
    send();
  });
}
