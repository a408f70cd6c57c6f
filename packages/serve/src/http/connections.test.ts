import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { post, raw, until } from '../__fixtures__/client.js';
import { heldModel, slowModel, verdictOf } from '../__fixtures__/models.js';
import { pair, serve, stopAll } from '../__fixtures__/serving.js';

/** A machine with other work may be slow. */
const WAIT = { timeout: 10_000 };

const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await stopAll();
});

function open(url: string, start = ''): Socket & { answer: string } {
  const port = Number(new URL(url).port);
  const socket = Object.assign(connect({ port, host: '127.0.0.1', allowHalfOpen: true }), { answer: '' });
  sockets.push(socket);
  socket.on('data', (data) => (socket.answer += data));
  socket.on('error', () => {});
  if (start !== '') socket.write(start);
  return socket;
}

const head = (path: string, ...lines: string[]) =>
  [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json', ...lines, '', ''].join(
    '\r\n',
  );
const body = JSON.stringify({ pairs: [pair] });
const whole = `${head('/v1/compare', `Content-Length: ${body.length}`)}${body}`;
const chunked = (count: number) =>
  `${head('/v1/compare', 'Transfer-Encoding: chunked')}${'1\r\n[\r\n'.repeat(count)}0\r\n\r\n`;

describe('a client that sends no more', () => {
  it.each([0, 600])('gets its answer after %i ms, and the connection ends', async (milliseconds) => {
    const { url } = await serve({}, slowModel(milliseconds));
    const socket = open(url);
    socket.end(whole);
    await new Promise((resolve) => socket.once('end', resolve));
    // Interim answers come before it where it takes long.
    expect(socket.answer).toMatch(/^(HTTP\/1\.1 102 Processing\r\n\r\n)*HTTP\/1\.1 200 OK\r\n/);
    expect(socket.answer).toContain('\r\nConnection: close\r\n');
    expect(JSON.parse(socket.answer.split('\r\n\r\n').at(-1)!).results).toEqual([verdictOf(pair)]);
  });

  it('is told that its body ended early', async () => {
    const { url } = await serve();
    const socket = open(url);
    socket.end(whole.slice(0, -5));
    await new Promise((resolve) => socket.once('end', resolve));
    expect(socket.answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('pieces of a body', () => {
  it('may be many where they are large enough on average', async () => {
    const { url } = await serve();
    const text = JSON.stringify({ pairs: [{ ...pair, a: 'x'.repeat(60_000) }] });
    const pieces = text.match(/.{1,60}/g)!.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
    expect(pieces.length).toBeGreaterThan(1000);
    const answer = await raw(url, [
      `${head('/v1/compare', 'Transfer-Encoding: chunked', 'Connection: close')}${pieces.join('')}0\r\n\r\n`,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('are refused where they are many and tiny, at once and by name', async () => {
    const { url } = await serve({ limits: { receiveMs: 5000 } });
    const start = performance.now();
    const few = chunked(500).replace('Host', 'Connection: close\r\nHost');
    expect(await raw(url, [few])).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"too-deep"/);
    expect(await raw(url, [chunked(200_000)])).toMatch(/^HTTP\/1\.1 413 [\s\S]*"code":"too-many-pieces"/);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

describe('memory for bodies', () => {
  it('is counted until their requests are answered', async () => {
    const model = heldModel();
    const limits = { bodyBytes: 1000, comparisons: 1, queue: 1000 };
    const { compare, metric } = await serve({ limits, batchSize: 1 }, model);
    const large = { pairs: [{ ...pair, a: 'x'.repeat(900) }] };
    const waiting = Array.from({ length: 64 }, () => compare(large));
    await vi.waitFor(async () => expect(await metric('gram_queue_comparisons')).toBe(63), WAIT);
    const refused = await compare(large);
    expect([refused.status, refused.body.error!.code]).toEqual([429, 'busy']);
    for (let call = 0; call < 64; call++) {
      await until(() => model.calls.length > call);
      model.calls[call]!.finish();
    }
    for (const each of waiting) expect((await each).status).toBe(200);
    const after = compare(large);
    await until(() => model.calls.length === 65);
    model.calls[64]!.finish();
    expect((await after).status).toBe(200);
  });
});

describe('connections beyond the limit', () => {
  it('take the place of the idlest, whatever it has sent', async () => {
    const { url, metric } = await serve({ limits: { connections: 3 } });
    for (const start of ['', 'GET / HTTP/1.1\r\n', head('/v1/compare', 'Content-Length: 9')]) {
      const silent = Array.from({ length: 9 }, () => open(url, start));
      const closed = new Set<Socket>();
      for (const socket of silent) {
        for (const event of ['end', 'close']) socket.once(event, () => closed.add(socket));
      }
      expect((await post(`${url}/v1/compare`, { pairs: [pair] })).status).toBe(200);
      await until(() => closed.size >= 6);
      expect(await metric('gram_connections')).toBeLessThanOrEqual(3);
    }
  });

  it('are closed where all others wait for answers, which are not lost', async () => {
    const model = heldModel();
    const { url, compare } = await serve({ limits: { connections: 2 } }, model);
    const waiting = [open(url, whole), open(url, whole)];
    await until(() => model.calls.length > 0);
    await expect(compare({ pairs: [pair] })).rejects.toThrow();
    const finish = setInterval(() => {
      for (const call of model.calls) call.finish();
    }, 5);
    await until(() => waiting.every(({ answer }) => answer.includes(' 200 OK')));
    clearInterval(finish);
  });
});

describe('requests sent in advance', () => {
  it('are answered in order up to a limit, and refused beyond it', async () => {
    const { url } = await serve();
    const few = await raw(url, [`${whole.repeat(7)}${whole.replace('Host', 'Connection: close\r\nHost')}`]);
    expect(few.match(/HTTP\/1\.1 200 /g)).toHaveLength(8);
    const many = await raw(url, [whole.repeat(100)]);
    expect(many.match(/HTTP\/1\.1 200 /g)).toHaveLength(8);
    expect(many).toMatch(/HTTP\/1\.1 429 [\s\S]*Connection: close[\s\S]*"code":"too-many-in-advance"/);
  });
});

it('ends a client that does not read its answers', async () => {
  const { url, metric } = await serve({ limits: { receiveMs: 300 } });
  const request = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const socket = open(url);
  socket.pause();
  // Until neither the sockets nor the system take more.
  for (let turn = 0; turn < 2000 && !socket.destroyed; turn++) {
    if (!socket.write(request.repeat(8))) await new Promise((resolve) => setTimeout(resolve, 2));
    if (socket.writableLength > 1e6) break;
  }
  await vi.waitFor(async () => expect(await metric('gram_connections')).toBe(1), WAIT);
});
