import type { Judge, ResponseItem } from '@gram/ranking';
import { afterEach, describe, expect, it } from 'vitest';
import { post } from '../__fixtures__/client.js';
import { scoringModel, slowModel } from '../__fixtures__/models.js';
import { serve, stopAll } from '../__fixtures__/serving.js';
import { createRewardServer } from '../index.js';

afterEach(stopAll);

const unflagged = { truncated: false, neutralized: false };
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const texts = ['xx', 'x'.repeat(30), 'x'.repeat(7)];

/** The scoring model, with a count of what it evaluates. */
function counted() {
  const asked: ResponseItem[] = [];
  const model: Judge = {
    ...scoringModel,
    compare: async () => Promise.reject(new Error('no pair is to be compared')),
    rewards: async (items) => {
      asked.push(...items);
      return scoringModel.rewards(items);
    },
  };
  return { model, asked };
}

describe('a model with rewards of its own', () => {
  it('gives a single response its reward, at every address that wants one', async () => {
    const { model, asked } = counted();
    const { url } = await serve({}, model);
    const prompt = 'Count.';
    const [response = ''] = texts;
    const messages = [
      { role: 'user', content: prompt },
      { role: 'assistant', content: response },
    ];
    const ask = async (path: string, body: object) => (await post(url + path, body)).body;
    expect(await ask('/get_reward', { query: [prompt + response], prompts: [prompt] })).toEqual({
      rewards: [0.2],
      scores: [0.2],
      extra_logs: { truncated: [0], neutralized: [0] },
    });
    for (const [use_activation, value] of [
      [undefined, sigmoid(0.2)],
      [null, sigmoid(0.2)],
      [true, sigmoid(0.2)],
      [false, 0.2],
    ] as const) {
      const score = await ask('/score', { text_1: prompt, text_2: response, use_activation });
      expect(score.data).toEqual([{ index: 0, object: 'score', score: value, ...unflagged }]);
      const classified = await ask('/classify', { messages, use_activation });
      expect(classified.data).toEqual([
        { index: 0, label: null, probs: [value], num_classes: 1, ...unflagged },
      ]);
      const pooled = await ask('/pooling', { messages, use_activation });
      const data = use_activation ? [value] : [0.2];
      expect(pooled.data).toEqual([{ index: 0, object: 'pooling', data, ...unflagged }]);
    }
    const reranked = await ask('/rerank', { query: prompt, documents: [response] });
    expect(reranked.results).toMatchObject([{ index: 0, relevance_score: sigmoid(0.2) }]);
    expect(asked.length).toBe(1 + 3 * 4 + 1);
    expect(asked.every((item) => item.prompt === prompt || Array.isArray(item.prompt))).toBe(true);
  });

  it('evaluates n responses n times, and is not limited by pairs', async () => {
    const { model, asked } = counted();
    const { url, metric } = await serve({}, model);
    const responses = Array.from({ length: 1000 }, (_, index) => 'x'.repeat(1 + ((index * 7) % 1000)));
    const { status, body } = await post(`${url}/v1/rank`, { prompt: 'x', responses });
    expect(status).toBe(200);
    expect(asked.length).toBe(1000);
    expect(body).toMatchObject({ comparisons: 0, pairs: [] });
    const [best = 0] = body.order as number[];
    expect(responses[best]).toHaveLength(1000);
    expect((body.responses as object[])[best]).toEqual({ reward: 100, ...unflagged });
    expect(Math.max(...(body.scores as number[]))).toBeLessThanOrEqual(1);
    const { body: reranked } = await post(`${url}/rerank`, { query: 'x', documents: responses, top_n: 1 });
    expect(reranked.results).toMatchObject([{ index: best }]);
    expect(asked.length).toBe(2000);
    expect(await metric('gram_comparisons_total')).toBe(2000);
  });

  it('takes turns with comparisons, one call at a time', async () => {
    let running = 0;
    const alone = async <Result>(call: () => Promise<Result>) => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      return call();
    };
    const model: Judge = {
      kind: 'discriminative',
      compare: (items) => alone(() => scoringModel.compare(items)),
      rewards: (items) => alone(() => scoringModel.rewards(items)),
    };
    const { url } = await serve({ batchSize: 4 }, model);
    const pairs = Array.from({ length: 6 }, () => ({ prompt: 'x', a: 'y', b: 'z' }));
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        index % 2
          ? post(`${url}/v1/compare`, { pairs })
          : post(`${url}/score`, { text_1: 'x', text_2: texts }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200));
  });

  it('refuses a reference, which changes nothing', () => {
    expect(() => createRewardServer(scoringModel, { reference: 'x' })).toThrow(
      expect.objectContaining({ code: 'bad-option' }),
    );
  });
});

describe('scores of vLLM', () => {
  it.each([
    ['text_1', 'text_2'],
    ['data_1', 'data_2'],
    ['queries', 'documents'],
    ['queries', 'items'],
  ])('take %s and %s, one or as many of each', async (prompts, responses) => {
    const { url } = await serve({}, scoringModel);
    const scores = async (first: unknown, second: unknown) => {
      const body = { [prompts]: first, [responses]: second, use_activation: false };
      const reply = await post(`${url}/v1/score`, body);
      return reply.status === 200
        ? (reply.body.data as { score: number }[]).map(({ score }) => score)
        : reply.status;
    };
    expect(await scores('p', 'xx')).toEqual([0.2]);
    expect(await scores('p', texts)).toEqual([0.2, 3, 0.7]);
    expect(await scores(['p', 'q', 'r'], 'xx')).toEqual([0.2, 0.2, 0.2]);
    expect(await scores(['p', 'q', 'r'], texts)).toEqual([0.2, 3, 0.7]);
    expect(await scores(['p', 'q'], texts)).toBe(422);
    const messages = [{ role: 'user', content: 'p' }];
    expect(await scores({ messages }, texts)).toEqual([0.2, 3, 0.7]);
    expect(await scores([{ messages }, 'q'], ['xx', 'x'])).toEqual([0.2, 0.1]);
  });

  it.each([
    { text_1: 'x' },
    { text_2: 'x' },
    { text_1: 'x', data_2: 'x' },
    { text_1: 'x', text_2: 'y', data_1: 'x', data_2: 'y' },
  ])('refuse %j', async (body) => {
    const { url } = await serve({}, scoringModel);
    const reply = await post(`${url}/score`, body);
    expect([reply.status, reply.body.error!.code]).toEqual([422, 'invalid-request']);
  });

  it('have no reward of a pairwise model before the logistic function', async () => {
    const { url } = await serve({}, slowModel(0));
    const body = { text_1: 'p', text_2: texts, use_activation: false };
    expect((await post(`${url}/score`, body)).body.error!.code).toBe('no-reward');
    expect((await post(`${url}/score`, { ...body, use_activation: true })).status).toBe(200);
  });
});

describe('the number of documents', () => {
  it.each([
    [{ top_n: 2 }, 2],
    [{ top_k: 1 }, 1],
    [{ top_n: 2, top_k: 2 }, 2],
    [{ top_n: null, top_k: null }, 3],
  ])('%j gives %i', async (fields, count) => {
    const { url } = await serve();
    const { body } = await post(`${url}/v1/rerank`, { query: 'x', documents: texts, ...fields });
    expect(body.results).toHaveLength(count);
    if ('top_k' in fields) expect(body).toMatchObject({ object: 'list', data: { length: count } });
    else expect(body.data).toBeUndefined();
  });

  it('cannot be two, and fields of documents cannot be chosen', async () => {
    const { url } = await serve();
    const of = (more: object) => post(`${url}/v1/rerank`, { query: 'x', documents: texts, ...more });
    expect((await of({ top_n: 1, top_k: 2 })).body.error!.message).toBe('top_n is 1 and top_k is 2');
    expect((await of({ rank_fields: ['title'] })).body.error!.message).toMatch(/^rank_fields: /);
  });
});
