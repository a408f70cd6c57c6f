import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ComparisonItem } from '../comparator/comparator.js';
import { createRemoteRewardModel } from './remote.js';

let server: Server | undefined;
let url = '';
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

interface Seen {
  readonly path: string;
  readonly key: string | undefined;
  readonly pairs: ComparisonItem[];
}

/** A server whose answers the test gives, one after the other; the last one is repeated. */
async function serve(...answers: ((response: ServerResponse, seen: Seen) => void)[]): Promise<Seen[]> {
  const requests: Seen[] = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { pairs } = JSON.parse(body) as { pairs: ComparisonItem[] };
    requests.push({ path: request.url!, key: request.headers.authorization, pairs });
    answers[Math.min(requests.length, answers.length) - 1]!(response, requests.at(-1)!);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return requests;
}

const resultOf = ({ a }: Pick<ComparisonItem, 'a'>) => ({
  probability: Number(a) / 1000,
  orders: [Number(a) / 1000, Number(a) / 1000],
  consistent: true,
  truncated: false,
  neutralized: false,
});
const right = (response: ServerResponse, { pairs }: Seen) => {
  response.end(JSON.stringify({ model: 'judge', results: pairs.map(resultOf) }));
};
const status =
  (code: number, headers: Record<string, string> = {}, message = 'no') =>
  (response: ServerResponse) => {
    response.writeHead(code, headers);
    response.end(JSON.stringify({ error: { code: 'x', message, hint: 'do this' } }));
  };
const items = (count: number, length = 1) =>
  Array.from({ length: count }, (_, index) => ({
    id: `${index}`,
    prompt: 'p'.repeat(length),
    a: `${index}`,
    b: '',
  }));

describe('createRemoteRewardModel', () => {
  it('sends conversations with their tools', async () => {
    const requests = await serve(right);
    const prompt = [{ role: 'user', content: 'Add.' }];
    const item = { prompt, tools: [{ type: 'function', function: { name: 'add' } }], a: '7', b: '8' };
    await createRemoteRewardModel({ url }).compare([item]);
    expect(requests[0]!.pairs).toEqual([item]);
  });

  it('sends items in several requests and gives the results in order', async () => {
    const requests = await serve(right);
    const onProgress = vi.fn();
    const model = createRemoteRewardModel({ url: `${url}/`, apiKey: 'key' });
    const results = await model.compare(items(70), { onProgress });
    expect(results).toEqual(items(70).map(resultOf));
    expect(requests.map(({ pairs }) => pairs.length)).toEqual([32, 32, 6]);
    expect(requests[0]).toMatchObject({ path: '/v1/compare', key: 'Bearer key' });
    // Names are for errors here; the server does not need them.
    expect(Object.keys(requests[0]!.pairs[0]!)).toEqual(['prompt', 'a', 'b']);
    expect(onProgress.mock.calls).toEqual([
      [32, 70],
      [64, 70],
      [70, 70],
    ]);
    expect(await model.compare([])).toEqual([]);
    expect(await model.score('x', '700', '0')).toBe(0.7);
  });

  it('sends fewer long items at once', async () => {
    const requests = await serve(right);
    await createRemoteRewardModel({ url }).compare(items(5, 60_000));
    expect(requests.map(({ pairs }) => pairs.length)).toEqual([2, 2, 1]);
  });

  it('comes back to a busy or restarting server when it says so', async () => {
    const requests = await serve(
      status(429, { 'Retry-After': '1' }),
      status(503, { 'Retry-After': '0' }),
      (response) => response.destroy(),
      right,
    );
    const started = performance.now();
    expect(await createRemoteRewardModel({ url }).compare(items(2))).toEqual(items(2).map(resultOf));
    expect(performance.now() - started).toBeGreaterThan(990);
    expect(requests).toHaveLength(4);
  });

  it('gives up after so many tries', async () => {
    const requests = await serve(status(429, { 'Retry-After': '0' }, 'too many'));
    const model = createRemoteRewardModel({ url, retries: 2 });
    await expect(model.compare(items(1))).rejects.toMatchObject({
      code: 'remote-failed',
      message: 'the server answered 429: too many',
    });
    expect(requests).toHaveLength(3);
    server!.close();
    server!.closeAllConnections();
    const away = createRemoteRewardModel({ url, retries: 0 });
    await expect(away.compare(items(1))).rejects.toMatchObject({
      message: expect.stringContaining('reached'),
    });
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['a refusal', status(422, {}, 'pairs[0].a: too long'), /422: pairs\[0\]\.a: too long/],
    ['a redirect', status(307, { Location: 'http://example.org/' }), /cannot be reached/],
    ['no JSON', (response) => response.end('<html>'), /not that of a gram server/],
    ['too few results', (response) => response.end('{"results":[]}'), /not that of a gram server/],
    [
      'a result that is no probability',
      (response) => response.end(JSON.stringify({ results: [{ ...resultOf({ a: '0' }), probability: 2 }] })),
      /not that of a gram server/,
    ],
    ['an endless answer', (response) => response.end('x'.repeat(5_000_000)), /too long/],
    ['no answer', () => {}, /no answer after 200 ms/],
  ])('fails on %s', async (_name, answer, message) => {
    await serve(answer);
    const model = createRemoteRewardModel({ url, timeoutMs: 200, retries: 0 });
    await expect(model.compare(items(1))).rejects.toMatchObject({ code: 'remote-failed', message });
  });

  it('ends with the signal, also while it waits', async () => {
    await serve(status(429, { 'Retry-After': '9' }));
    const stop = new AbortController();
    const running = createRemoteRewardModel({ url }).compare(items(1), { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('stop')), 100);
    await expect(running).rejects.toThrow('stop');
  });

  it.each(['', 'localhost:8000', 'file:///x', 'nonsense'])('refuses the address %j', (wrong) => {
    expect(() => createRemoteRewardModel({ url: wrong })).toThrow(
      expect.objectContaining({ code: 'bad-option' }),
    );
  });
});
