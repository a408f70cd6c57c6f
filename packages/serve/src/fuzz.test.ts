import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { post, raw } from './__fixtures__/client.js';
import { quickModel, verdictOf } from './__fixtures__/models.js';
import { createRoutes } from './endpoints/routes.js';
import { createShapes } from './endpoints/schemas.js';
import { createRewardServer, type RewardServer } from './index.js';

let server: RewardServer;
let url = '';
const failures: unknown[] = [];
beforeAll(async () => {
  server = createRewardServer(quickModel, {
    apiKey: '',
    limits: { bodyBytes: 4000, comparisons: 20, textLength: 500, receiveMs: 300 },
    onError: (error) => failures.push(error),
  });
  url = await server.listen();
});
afterAll(() => server.close(0));

const routes = createRoutes(createShapes({ comparisons: 20, textLength: 500 }));
const route = fc.constantFrom(...routes);
/** Whatever a field might be. */
const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, '', -1, 1e308, [], {}, [null], ['x'.repeat(501)], Array(21).fill('x'), '\ud800'),
);

function expectRefusal(status: number, body: { error?: object }): void {
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(body).toEqual({
    error: { code: expect.any(String), message: expect.any(String), hint: expect.any(String) },
  });
}

it('answers bodies with wrong fields with one clear refusal, or rightly', async () => {
  await fc.assert(
    fc.asyncProperty(
      route,
      fc.nat(),
      junk,
      fc.boolean(),
      async ({ path, example, shape }, at, value, drop) => {
        const keys = Object.keys(example);
        const changed: Record<string, unknown> = { ...example, [keys[at % keys.length]!]: value };
        if (drop) delete changed[keys[at % keys.length]!];
        const { status, body } = await post(url + path, changed);
        if (status === 200) expect(shape.matches(body)).toBe(true);
        else expectRefusal(status, body);
      },
    ),
    { numRuns: 300 },
  );
  expect(failures).toEqual([]);
});

it('answers bodies that are cut, changed or random with a refusal', async () => {
  const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), cut: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(route, fc.array(change, { minLength: 1, maxLength: 5 }), async (target, changes) => {
      let bytes = Buffer.from(JSON.stringify(target.example));
      for (const { at, byte, cut } of changes) {
        if (cut) bytes = bytes.subarray(0, at % (bytes.length + 1));
        else if (bytes.length > 0) bytes[at % bytes.length] = byte;
      }
      const { status, body } = await post(url + target.path, bytes);
      if (status === 200) expect(target.shape.matches(body)).toBe(true);
      else expectRefusal(status, body);
    }),
    { numRuns: 300 },
  );
  expect(failures).toEqual([]);
});

it('outlives what is no HTTP, and then still works', async () => {
  const line = fc.oneof(
    fc.constantFrom(
      'POST /v1/compare HTTP/1.1\r\n',
      'GET / HTTP/1.1\r\n',
      'Host: localhost\r\n',
      'Content-Type: application/json\r\n',
      'Content-Length: 5\r\n',
      'Content-Length: 99999999999999999999\r\n',
      'Content-Length: -1\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Expect: 100-continue\r\n',
      'Upgrade: websocket\r\nConnection: upgrade\r\n',
      'fffffffff\r\n',
      '\r\n',
    ),
    fc.string({ maxLength: 40 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
      const answer = await raw(url, [...lines, '\r\n\r\n']);
      // Several requests may stand in one; none of the answers says that the server failed.
      for (const [, status] of answer.matchAll(/HTTP\/1\.1 (\d+)/g)) expect(Number(status)).toBeLessThan(500);
    }),
    { numRuns: 60 },
  );
  expect(failures).toEqual([]);
  const pairs = [{ prompt: 'x', a: 'y', b: 'z' }];
  expect((await post(`${url}/v1/compare`, { pairs })).body.results).toEqual(pairs.map(verdictOf));
});
