import { afterEach, expect, it } from 'vitest';
import { post } from '../__fixtures__/client.js';
import { quickModel } from '../__fixtures__/models.js';
import { createRewardServer, type RewardServer } from '../index.js';
import { createRoutes } from './routes.js';
import { createShapes } from './schemas.js';

let server: RewardServer | undefined;
afterEach(() => server?.close(0));

interface Operation {
  readonly requestBody?: { content: { 'application/json': { schema: object; example?: object } } };
  readonly responses: Record<string, { content: Record<string, object> }>;
  readonly security?: object[];
}

async function description(apiKey: string) {
  server = createRewardServer(quickModel, { apiKey });
  const url = await server.listen();
  const document = await (await fetch(`${url}/openapi.json`)).json();
  return { url, document: document as { openapi: string; paths: Record<string, Record<string, Operation>> } };
}

const routes = createRoutes(createShapes({ comparisons: 1024, textLength: 65_536 }));

it('describes every address, and each answers as described', async () => {
  const { url, document } = await description('');
  expect(document.openapi).toBe('3.1.0');
  const gets = ['/', '/health', '/metrics', '/openapi.json'];
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
      prompt: { type: 'string', maxLength: 65_536 },
      responses: { type: 'array', minItems: 2, maxItems: 1024 },
    },
    required: ['prompt', 'responses'],
    additionalProperties: false,
  });
});

it('says what needs a key', async () => {
  const { document } = await description('key');
  const needing = Object.entries(document.paths).filter(
    ([, item]) => Object.values(item)[0]!.security !== undefined,
  );
  expect(needing.map(([path]) => path).sort()).toEqual(
    ['/metrics', ...routes.map(({ path }) => path)].sort(),
  );
});
