import { once } from 'node:events';
import { connect } from 'node:net';
import { createRewardServer } from '@gram/serve';
import { mutateBytes, mutateJsonText } from '../mutate.mjs';

const bodies = {
  '/v1/compare': { pairs: [{ prompt: 'What is 2 + 2?', a: '4', b: 'About 5.' }] },
  '/v1/rank': { prompt: 'Name a prime.', responses: ['4', '7', 'nine'] },
  '/get_reward': { query: ['1 + 1 =2', '1 + 1 =3'], prompts: ['1 + 1 =', '1 + 1 ='], labels: ['2', '2'] },
  '/v1/score': { model: 'gram', text_1: 'What?', text_2: ['This', 'That'] },
  '/v2/rerank': { model: 'gram', query: 'What?', documents: ['This', 'That'], top_n: 1 },
};
const others = ['/', '/healthz', '/metrics', '/openapi.json', '/v1/models', '/%2e%2e/x', '/v1/compare?x=1'];

/** Prefers the longer response, without a model. */
const model = {
  compare: async (items) =>
    items.map(({ a, b }) => ({
      probability: String(a).length >= String(b).length ? 0.75 : 0.25,
      orders: [0.75, 0.75],
      consistent: true,
      truncated: false,
      neutralized: false,
    })),
};

export const http = {
  name: 'http',
  title: 'HTTP requests',
  async open() {
    const server = createRewardServer(model, { apiKey: '' });
    const { port, hostname } = new URL(await server.listen());
    return {
      answer: '',
      mutate: (random) => mutateRequest(random),
      read: (bytes) => exchange({ port: Number(port), hostname }, bytes),
      unexplained: (_, answer) => (/^HTTP\/1\.1 5\d\d(?!.*(501|505))/.test(answer) ? answer : undefined),
      close: () => server.close(0),
    };
  },
};

function mutateRequest(random) {
  const path = random.integer(6) === 0 ? random.pick(others) : random.pick(Object.keys(bodies));
  const body = path in bodies && random.integer(8) ? mutateJsonText(random, bodies[path]) : Buffer.from('');
  const isChunked = random.integer(6) === 0;
  const length = random.integer(20) === 0 ? body.length + random.integer(5) - 2 : body.length;
  const head = [
    `${random.pick(['POST', 'POST', 'POST', 'POST', 'GET', 'PUT', 'OPTIONS', 'HEAD'])} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    `Content-Type: ${random.pick(['application/json', 'application/json', 'text/plain', 'application/json; charset=utf-16'])}`,
    isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`,
    'Connection: close',
  ];
  const sent = isChunked
    ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])
    : body;
  const whole = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), sent]);
  return random.integer(3) === 0 ? mutateBytes(random, whole) : whole;
}

/** Sends bytes, then the end of the stream, and returns the start of what comes back. */
async function exchange({ port, hostname }, bytes) {
  const socket = connect(port, hostname);
  socket.on('error', () => undefined);
  const parts = [];
  socket.on('data', (part) => parts.push(part));
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1').slice(0, 500);
}
