import { afterEach, describe, expect, it } from 'vitest';
import { post } from '../__fixtures__/client.js';
import { quickModel } from '../__fixtures__/models.js';
import { createRewardServer, type RewardServer, type ServerOptions } from '../index.js';
import { createRoutes } from './routes.js';
import { createShapes } from './schemas.js';

let server: RewardServer | undefined;
afterEach(() => server?.close(0));

interface Operation {
  readonly requestBody?: { content: { 'application/json': { schema: object; example?: object } } };
  readonly responses: Record<string, { content: Record<string, object> }>;
  readonly security?: object[];
}

async function description(apiKey: string, options: ServerOptions = {}) {
  server = createRewardServer(quickModel, { apiKey, reference: 'I do not know.', ...options });
  const url = await server.listen();
  const document = await (await fetch(`${url}/openapi.json`)).json();
  return { url, document: document as { openapi: string; paths: Record<string, Record<string, Operation>> } };
}

const routes = createRoutes(createShapes({ comparisons: 1024, textLength: 65_536 }));

it('describes every address, and each answers as described', async () => {
  const { url, document } = await description('');
  expect(document.openapi).toBe('3.1.0');
  const gets = ['/', '/health', '/metrics', '/openapi.json', '/v1/models', '/v1/models/gram'];
  expect(Object.keys(document.paths).sort()).toEqual([...gets, ...routes.map(({ path }) => path)].sort());
  for (const path of gets) {
    const { get } = document.paths[path]!;
    const response = await fetch(url + path);
    expect(response.status).toBe(200);
    const types = Object.keys(get!.responses[200]!.content);
    expect(response.headers.get('content-type')!.split(';')[0], path).toBe(types[0]);
  }
  for (const { path, shape } of routes) {
    const { post: operation, ...others } = document.paths[path]!;
    expect(Object.keys(others)).toEqual([]);
    const { example } = operation!.requestBody!.content['application/json'];
    const { status, body } = await post(url + path, example);
    expect([path, status]).toEqual([path, 200]);
    expect(shape.matches(body), `${path}: ${JSON.stringify(body)}`).toBe(true);
    expect(shape.matches({ ...body, more: 1 })).toBe(false);
    for (const [wrong, refused] of [
      ['{', 400],
      ['{}', 422],
    ] as const) {
      const reply = await post(url + path, wrong);
      expect(reply.status).toBe(refused);
      expect(Object.keys(operation!.responses)).toContain(String(refused));
    }
  }
});

it('names the schema of requests as JSON Schema, with the limits', async () => {
  const { document } = await description('');
  const { schema } = document.paths['/v1/rank']!.post!.requestBody!.content['application/json'];
  expect(schema).toMatchObject({
    type: 'object',
    properties: {
      prompt: {
        anyOf: [
          { type: 'string', maxLength: 65_536 },
          { type: 'array', maxItems: 256 },
        ],
      },
      responses: { type: 'array', minItems: 2, maxItems: 1024 },
    },
    required: ['prompt', 'responses'],
    additionalProperties: false,
  });
});

it('says what needs a key', async () => {
  const { url, document } = await description('key');
  const needing = Object.entries(document.paths).filter(
    ([, item]) => Object.values(item)[0]!.security !== undefined,
  );
  expect(needing.map(([path]) => path).sort()).toEqual(
    ['/metrics', '/v1/models', '/v1/models/gram', ...routes.map(({ path }) => path)].sort(),
  );
  for (const [path, item] of Object.entries(document.paths)) {
    const operation = Object.values(item)[0]!;
    const isOpen = operation.security === undefined;
    expect(Object.keys(operation.responses).includes('401'), path).toBe(!isOpen);
    const method = 'get' in item ? 'GET' : 'POST';
    expect((await fetch(url + path, { method })).status, path).toBe(isOpen ? 200 : 401);
  }
});

/** Lists requests at the limits of a schema and beyond them. */
type BoundaryRequests = (
  schema: object,
  example: object,
) => readonly { keyword: string; path: string; within: object; beyond: object }[];

describe('every limit that it says', () => {
  const limits = { comparisons: 40, textLength: 300, bodyBytes: 100_000, receiveMs: 5000 };

  it('of the fields of a body is that of the server, no more and no less', async () => {
    const { url, document } = await description('', { limits });
    const attacks = new URL('../../attacks/requests.mjs', import.meta.url).href;
    const { boundaryRequests } = (await import(attacks)) as { boundaryRequests: BoundaryRequests };
    const kinds = new Set<string>();
    let count = 0;
    for (const path of new Set(routes.map((route) => route.path))) {
      const { schema, example } = document.paths[path]!.post!.requestBody!.content['application/json'];
      for (const { keyword, path: field, within, beyond } of boundaryRequests(schema, example!)) {
        const place = `${path} ${field} ${keyword}`;
        const inside = await post(url + path, within);
        // The field passes; the request as a whole may still want what others do not say, such as a second response.
        const message = inside.body.error?.message ?? '';
        const isPassed = !/^[\w[\].]+: | entries and .* allowed$/.test(message);
        expect(isPassed, `${place}: ${JSON.stringify(inside.body)}`).toBe(true);
        const outside = await post(url + path, beyond);
        expect([outside.status, outside.body.error?.code], place).toEqual([422, 'invalid-request']);
        kinds.add(keyword);
        count += 1;
      }
    }
    expect([...kinds].sort()).toEqual(['maxItems', 'maxLength', 'minItems', 'minimum', 'pattern']);
    expect(count).toBeGreaterThan(100);
  });

  it('of the deadline is that of the server', async () => {
    const { url, document } = await description('');
    const { parameters } = document.paths['/v1/rank']!.post as unknown as {
      parameters: readonly { name: string; schema: { minimum: number; maximum: number } }[];
    };
    const [{ name, schema }] = parameters as [(typeof parameters)[number]];
    const { example } = routes.find(({ path }) => path === '/v1/rank')!;
    const ask = async (value: number) =>
      (await post(`${url}/v1/rank`, example, { headers: { [name]: String(value) } })).status;
    expect(await Promise.all([schema.maximum, schema.maximum + 1, schema.minimum - 1].map(ask))).toEqual([
      200, 422, 422,
    ]);
    expect([200, 504]).toContain(await ask(schema.minimum));
  });

  it('of whole requests is that of the server', async () => {
    const { url, document } = await description('', { limits });
    const said = (document as unknown as { 'x-limits': Record<string, number> })['x-limits'];
    expect(said).toMatchObject(limits);
    const compare = (body: unknown) => post(`${url}/v1/compare`, body);
    const padded = (bytes: number) => {
      const body = JSON.stringify({ pairs: [{ prompt: 'x', a: 'y', b: 'z' }] });
      return body + ' '.repeat(bytes - body.length);
    };
    expect((await compare(padded(said.bodyBytes!))).status).toBe(200);
    expect((await compare(padded(said.bodyBytes! + 1))).status).toBe(413);
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect((await compare(nested(said.depth!))).body.error!.code).toBe('invalid-request');
    expect((await compare(nested(said.depth! + 1))).body.error!.code).toBe('too-deep');
    const fields = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`field ${index}`, index]));
    const score = (count: number) =>
      post(`${url}/score`, { text_1: 'x', text_2: ['y', 'z'], ...fields(count - 2) });
    expect((await score(said.fields!)).status).toBe(200);
    expect((await score(said.fields! + 1)).status).toBe(422);
    // n (n - 1) / 2 comparisons rank n responses.
    const most = Math.floor((1 + Math.sqrt(1 + 8 * said.comparisons!)) / 2);
    const rank = (count: number) =>
      post(`${url}/v1/rank`, { prompt: 'x', responses: Array.from({ length: count }, (_, n) => `${n}`) });
    expect((await rank(most)).status).toBe(200);
    expect((await rank(most + 1)).body.error!.code).toBe('too-many-comparisons');
  });
});
