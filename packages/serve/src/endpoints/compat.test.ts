import { type Answer, conversationText } from '@gram/base';
import type { Comparator, ComparisonItem } from '@gram/ranking';
import { afterEach, describe, expect, it } from 'vitest';
import { post } from '../__fixtures__/client.js';
import { createRewardServer, type RewardServer, type ServerOptions } from '../index.js';

let server: RewardServer | undefined;
let url = '';
let asked: readonly ComparisonItem[] = [];
afterEach(async () => {
  await server?.close(0);
});

/** Prefers the response that has more of the words of the prompt, and France to anything. */
const model: Comparator = {
  async compare(items) {
    asked = items;
    const merit = (response: Answer) => {
      const text = conversationText(response);
      return /France|=2|Washington/.test(text) ? 2 : /capital/.test(text) ? 1 : 0;
    };
    return items.map(({ a, b }) => ({
      probability: 1 / (1 + Math.exp(merit(b) - merit(a))),
      consistent: true,
      truncated: false,
      neutralized: false,
    }));
  },
};
const unflagged = { truncated: false, neutralized: false };
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

async function start(options: ServerOptions = {}): Promise<void> {
  server = createRewardServer(model, { apiKey: '', name: 'judge', ...options });
  url = await server.listen();
}

describe('POST /get_reward of OpenRLHF', () => {
  // What its trainer sends, and the fields that its own server answers with.
  const request = {
    query: ['1 + 1 =2', '1 + 1 =3', '1 + 1 =3', 'Name it: none'],
    prompts: ['1 + 1 =', '1 + 1 =', '1 + 1 =', 'Name it:'],
    labels: ['2', '2', '2', ''],
  };

  it('scores each response by the others to its prompt', async () => {
    await start();
    const { status, body } = await post(`${url}/get_reward`, {
      query: request.query.slice(0, 3),
      prompts: request.prompts.slice(0, 3),
      labels: request.labels.slice(0, 3),
    });
    const lower = (sigmoid(0) + sigmoid(0)) / 2;
    // "=2" is not in the responses, which are "2" and "3": all are a tie.
    expect([status, body]).toEqual([
      200,
      {
        rewards: [0.5, lower, lower],
        scores: [0.5, lower, lower],
        extra_logs: { truncated: [0, 0, 0], neutralized: [0, 0, 0] },
      },
    ]);
    expect(asked.map(({ prompt, a, b }) => [prompt, a, b])).toEqual([['1 + 1 =', '2', '3']]);
  });

  it('scores against a configured reference, also a single response', async () => {
    await start({ reference: 'no idea about France' });
    const { body } = await post(`${url}/get_reward`, {
      query: ['Q: Paris is in France', 'Q: no'],
      prompts: ['Q: ', 'Q: '],
    });
    expect(body.rewards).toEqual([0.5, sigmoid(-2)]);
    expect(asked.map(({ b }) => b)).toEqual(['no idea about France', 'no idea about France']);
  });

  it.each<[string, object, string]>([
    ['a lone response without a reference', request, 'no-reference'],
    [
      'a query that does not begin with its prompt',
      { query: ['x', 'y'], prompts: ['x', 'x'] },
      'invalid-request',
    ],
    ['unequal lists', { query: ['xx', 'xy'], prompts: ['x'] }, 'invalid-request'],
    ['no prompts', { query: ['x', 'y'] }, 'invalid-request'],
  ])('refuses %s', async (_name, body, code) => {
    await start();
    const reply = await post(`${url}/get_reward`, body);
    expect([reply.status, reply.body.error!.code]).toEqual([422, code]);
  });
});

describe('POST /v1/score of vLLM', () => {
  const question = 'What is the capital of France?';
  const texts = ['The capital of Brazil is Brasilia.', 'The capital of France is Paris.'];

  it('answers the batch example of its documentation', async () => {
    await start();
    for (const path of ['/v1/score', '/score']) {
      const request = {
        model: 'BAAI/bge-reranker-v2-m3',
        encoding_format: 'float',
        text_1: question,
        text_2: texts,
      };
      const { status, body } = await post(url + path, request);
      expect(status).toBe(200);
      expect(body).toEqual({
        id: expect.stringMatching(/^score-[0-9a-f-]{36}$/),
        object: 'list',
        created: expect.any(Number),
        model: 'judge',
        data: [
          { index: 0, object: 'score', score: sigmoid(-1), ...unflagged },
          { index: 1, object: 'score', score: sigmoid(1), ...unflagged },
        ],
        usage: { prompt_tokens: 0, total_tokens: 0, completion_tokens: 0 },
      });
    }
  });

  it('answers its single example where there is a reference', async () => {
    await start({ reference: 'I do not know.' });
    const { body } = await post(`${url}/v1/score`, { text_1: question, text_2: texts[1] });
    expect(body.data).toEqual([{ index: 0, object: 'score', score: sigmoid(2), ...unflagged }]);
  });

  it('takes as many prompts as responses', async () => {
    await start();
    const { body } = await post(`${url}/v1/score`, {
      text_1: ['p', 'q', 'q', 'p'],
      text_2: ['x', 'y', 'France', 'capital'],
    });
    expect((body.data as { score: number }[]).map(({ score }) => score)).toEqual(
      [1 - sigmoid(1), 1 - sigmoid(2), sigmoid(2), sigmoid(1)].map((value) => expect.closeTo(value, 12)),
    );
    const wrong = await post(`${url}/v1/score`, { text_1: ['p', 'q'], text_2: ['x', 'y', 'z'] });
    expect(wrong.body.error!.message).toContain('text_1 has 2 entries and text_2 has 3');
  });
});

describe('POST /v1/rerank of Jina and Cohere', () => {
  const query = 'What is the capital of the United States?';
  const documents = [
    'Carson City is the capital city of the American state of Nevada.',
    'Capitalization in English grammar is the use of uppercase letters.',
    'Washington, D.C. is the capital of the United States.',
    'Paris',
  ];

  it('answers the example of the documentation of Jina and vLLM, documents included', async () => {
    await start();
    const request = { model: 'jina-reranker-v2-base-multilingual', query, documents, top_n: 2 };
    const { status, body } = await post(`${url}/v1/rerank`, request);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: expect.stringMatching(/^rerank-/),
      model: 'judge',
      usage: { prompt_tokens: 0, total_tokens: 0 },
      meta: { api_version: { version: '2' } },
      results: [
        { index: 2, relevance_score: expect.any(Number), ...unflagged, document: { text: documents[2] } },
        { index: 0, relevance_score: expect.any(Number), ...unflagged, document: { text: documents[0] } },
      ],
    });
    const [first] = body.results as { relevance_score: number }[];
    expect(first!.relevance_score).toBeCloseTo((sigmoid(1) + sigmoid(2) + sigmoid(2)) / 3, 2);
  });

  it('answers the example of the documentation of Cohere, without documents where they are not wanted', async () => {
    await start({ reference: 'not used here' });
    const objects = documents.map((text) => ({ text, title: 'x' }));
    const { body } = await post(`${url}/v2/rerank`, {
      model: 'rerank-v4.0-pro',
      query,
      documents: objects,
      return_documents: false,
      max_tokens_per_doc: 4096,
    });
    const results = body.results as Record<string, unknown>[];
    expect(results.map(({ index }) => index)).toEqual([2, 0, 1, 3]);
    for (const result of results)
      expect(Object.keys(result)).toEqual(['index', 'relevance_score', 'truncated', 'neutralized']);
  });

  it('orders one document without asking the model', async () => {
    await start();
    asked = [];
    const { body } = await post(`${url}/rerank`, { query, documents: ['x'], top_n: 9 });
    expect(body.results).toEqual([{ index: 0, relevance_score: 0.5, ...unflagged, document: { text: 'x' } }]);
    expect(asked).toEqual([]);
  });

  it.each([{ top_n: 0 }, { top_n: 1.5 }, { documents: [] }, { documents: [{ title: 'x' }] }, { query: 4 }])(
    'refuses %j',
    async (change) => {
      await start();
      const { status } = await post(`${url}/v1/rerank`, { query, documents, ...change });
      expect(status).toBe(422);
    },
  );
});
