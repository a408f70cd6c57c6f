import { afterEach, describe, expect, it, vi } from 'vitest';
import { post, raw } from '../__fixtures__/client.js';
import { quickModel, slowModel, verdictOf } from '../__fixtures__/models.js';
import { pair, pairsOf, serve, stopAll } from '../__fixtures__/serving.js';
import { createRewardServer, type ServerOptions } from '../index.js';

afterEach(stopAll);

describe('the own endpoints', () => {
  it('compares pairs in order, with both orders and flags', async () => {
    const { compare, url } = await serve({ name: 'judge' });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const pairs = [pair, { prompt: '', a: 'é𝄞', b: '' }, { ...pair, a: `"\\"${'['.repeat(99)}\\` }];
    const { status, body, headers } = await compare({ pairs });
    expect(status).toBe(200);
    expect(body).toEqual({ model: 'judge', results: pairs.map(verdictOf) });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('ranks responses, and shows every pair', async () => {
    const { url } = await serve();
    const responses = ['22', '', 'x'.repeat(40), 'x'.repeat(20)];
    const { body } = await post(`${url}/v1/rank`, { prompt: 'x', responses });
    expect(body).toMatchObject({ order: [2, 3, 0, 1], comparisons: 6 });
    const pairs = body.pairs as { a: number; b: number; probability: number }[];
    expect(pairs.map(({ a, b }) => [a, b])).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 2],
      [1, 3],
      [2, 3],
    ]);
    expect(pairs[1]).toEqual({
      a: 0,
      b: 2,
      ...verdictOf({ prompt: 'x', a: responses[0]!, b: responses[2]! }),
    });
    const own = pairs.filter(({ a }) => a === 0).reduce((sum, { probability }) => sum + probability, 0) / 3;
    expect((body.scores as number[])[0]).toBeCloseTo(own, 12);
  });

  it('compares fewer pairs of many responses, and says which', async () => {
    const { url } = await serve();
    const responses = Array.from({ length: 32 }, (_, i) => 'x'.repeat(1 + ((i * 5) % 32)));
    const { body } = await post(`${url}/v1/rank`, { prompt: 'x', responses });
    // A Swiss tournament of 2 log2 32 rounds of 16 games.
    expect(body).toMatchObject({ comparisons: 160, pairs: { length: 160 } });
    const [best = 0] = body.order as number[];
    expect(responses[best]).toHaveLength(32);
  });

  it('gives 64 clients their own results, from shared calls', async () => {
    const model = slowModel(25);
    const { compare, metric } = await serve({}, model);
    await Promise.all(
      Array.from({ length: 64 }, async (_, client) => {
        for (let turn = 0; turn < 4; turn++) {
          const pairs = pairsOf(`${client}/${turn}`, 1 + ((client + turn) % 3));
          const { status, body } = await compare({ pairs });
          expect(status).toBe(200);
          expect(body.results).toEqual(pairs.map(verdictOf));
        }
      }),
    );
    const total = model.sizes.reduce((sum, size) => sum + size, 0);
    expect(model.sizes.length).toBeLessThan(128);
    expect(Math.max(...model.sizes)).toBeLessThanOrEqual(32);
    expect(await metric('gram_comparisons_total')).toBe(total);
    expect(await metric('gram_requests_total{route="/v1/compare",status="200"}')).toBe(256);
    expect(await metric('gram_batch_comparisons_bucket{le="32"}')).toBe(model.sizes.length);
    expect(await metric('gram_queue_comparisons')).toBe(0);
  });
});

describe('who may ask', () => {
  it('those with the key, where there is one', async () => {
    const { compare, url } = await serve({ apiKey: 'correct horse' });
    const as = (authorization?: string) =>
      compare({ pairs: [pair] }, authorization === undefined ? {} : { headers: { authorization } });
    for (const wrong of [
      undefined,
      '',
      'Bearer',
      'Bearer wrong',
      'Bearer correct hors',
      'Basic correct horse',
    ]) {
      const { status, body, headers } = await as(wrong);
      expect([status, body.error!.code], String(wrong)).toEqual([401, 'unauthorized']);
      expect(headers.get('www-authenticate')).toBe('Bearer');
    }
    expect((await as('Bearer correct horse')).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    for (const open of ['/', '/health', '/openapi.json']) expect((await fetch(url + open)).status).toBe(200);
    expect(await (await fetch(url)).text()).toContain('<input id="key" type="password"');
  });

  it('takes the key from the environment, and needs one where others can ask', async () => {
    vi.stubEnv('GRAM_API_KEY', '');
    try {
      for (const host of ['0.0.0.0', '::', 'example.org', '127.0.0.1.example.org']) {
        expect(() => createRewardServer(quickModel, { host }), host).toThrow(
          expect.objectContaining({ code: 'no-api-key' }),
        );
      }
      vi.stubEnv('GRAM_API_KEY', 'from the environment');
      createRewardServer(quickModel, { host: '0.0.0.0' });
      const { compare } = await serve({ apiKey: undefined });
      expect((await compare({ pairs: [pair] })).status).toBe(401);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('on this machine without a key, only who calls it by its own name', async () => {
    const { url } = await serve();
    const asked = (host: string) =>
      raw(url, [`GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`]);
    for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1:1', '[::1]:8000']) {
      expect(await asked(host), host).toMatch(/^HTTP\/1\.1 200/);
    }
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.nip.io',
      '',
      '10.0.0.1',
      'a@localhost',
    ]) {
      expect(await asked(host), host).toMatch(/^HTTP\/1\.1 403 /);
    }
  });

  it.each<[string, ServerOptions]>([
    ['batchSize', { batchSize: 0 }],
    ['deadlineMs', { deadlineMs: Number.NaN }],
    ['bodyBytes', { limits: { bodyBytes: -1 } }],
    ['queue', { limits: { queue: 10 } }],
    ['port', { port: 65_536 }],
  ])('refuses a wrong %s', (name, options) => {
    expect(() => createRewardServer(quickModel, options)).toThrow(
      expect.objectContaining({ code: 'bad-option', message: expect.stringContaining(name) }),
    );
  });

  it('says which port is taken', async () => {
    const { url } = await serve();
    const port = Number(new URL(url).port);
    await expect(createRewardServer(quickModel, { port, apiKey: '' }).listen()).rejects.toMatchObject({
      code: 'port-unusable',
      message: `port ${port} of 127.0.0.1 is taken`,
    });
  });
});
