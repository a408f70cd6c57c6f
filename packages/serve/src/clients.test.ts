import type { Judge } from '@gram/ranking';
import { afterEach, describe, expect, it } from 'vitest';
import { quickModel, scoringModel } from './__fixtures__/models.js';
import { installClients } from './__fixtures__/npm-clients.js';
import { serve, stopAll } from './__fixtures__/serving.js';

const clients = await installClients();
afterEach(stopAll);

const query = 'Which is longest?';
/** 100 documents of different lengths, in no order. */
const documents = Array.from({ length: 100 }, (_, index) => 'x'.repeat(1 + ((index * 37) % 100)));
const longestFirst = documents
  .map((_, index) => index)
  .sort((a, b) => documents[b]!.length - documents[a]!.length);
const models: readonly (readonly [string, Judge])[] = [
  ['a pairwise model', quickModel],
  ['a model with rewards', scoringModel],
];

describe.skipIf(clients === undefined).each(models)('unmodified clients of %s', (_, model) => {
  const load = (name: string) => clients!.load(name);

  it('ai with @ai-sdk/cohere reranks', async () => {
    const { url } = await serve({ limits: { comparisons: 2048 } }, model);
    const [{ rerank }, { createCohere }] = await Promise.all([load('ai'), load('@ai-sdk/cohere')]);
    const cohere = createCohere({ baseURL: `${url}/v2`, apiKey: 'any' });
    const { ranking } = await rerank({ model: cohere.reranking('any'), documents, query, topN: 5 });
    expect(ranking.map(({ originalIndex }: { originalIndex: number }) => originalIndex)).toEqual(
      longestFirst.slice(0, 5),
    );
    expect(ranking[0].document).toBe(documents[longestFirst[0]!]);
    expect(ranking[0].score).toBeGreaterThan(ranking[4].score);
  });

  it('cohere-ai reranks, by both versions of its interface', async () => {
    const { url } = await serve({ limits: { comparisons: 2048 } }, model);
    const { CohereClient, CohereClientV2 } = await load('cohere-ai');
    const options = { environment: url, token: 'any' };
    const second = await new CohereClientV2(options).rerank({ model: 'any', query, documents, topN: 3 });
    expect(second.results.map(({ index }: { index: number }) => index)).toEqual(longestFirst.slice(0, 3));
    expect(second.results[0].document).toBeUndefined();
    expect(second.meta.apiVersion.version).toBe('2');
    const first = await new CohereClient(options).rerank({
      model: 'any',
      query,
      documents: documents.map((text) => ({ text })),
      topN: 3,
      returnDocuments: true,
    });
    expect(first.results[0]).toMatchObject({
      index: longestFirst[0],
      document: { text: documents[longestFirst[0]!] },
    });
  });

  it('@langchain/cohere compresses documents', async () => {
    const { url } = await serve({ limits: { comparisons: 2048 } }, model);
    const [{ CohereRerank }, { CohereClient }] = await Promise.all([
      load('@langchain/cohere'),
      load('cohere-ai'),
    ]);
    const client = new CohereClient({ environment: url, token: 'any' });
    const reranker = new CohereRerank({ client, model: 'any', topN: 4 });
    const pages = documents.map((pageContent) => ({
      pageContent,
      metadata: {} as { relevanceScore?: number },
    }));
    const kept = await reranker.compressDocuments(pages, query);
    expect(kept.map((page: (typeof pages)[number]) => pages.indexOf(page))).toEqual(longestFirst.slice(0, 4));
    expect(kept[0].metadata.relevanceScore).toBeGreaterThan(kept[3].metadata.relevanceScore);
  });

  it('voyageai reranks and gets as many as it asks for', async () => {
    const { url } = await serve({ limits: { comparisons: 2048 } }, model);
    const { VoyageAIClient } = await load('voyageai');
    const client = new VoyageAIClient({ environment: `${url}/v1`, apiKey: 'any' });
    const answer = await client.rerank({ model: 'any', query, documents, topK: 2, returnDocuments: true });
    expect(answer.data.map(({ index }: { index: number }) => index)).toEqual(longestFirst.slice(0, 2));
    expect(answer.data[0].document).toBe(documents[longestFirst[0]!]);
  });

  it('openai lists and describes the model', async () => {
    const { url } = await serve({ name: 'my judge', apiKey: 'secret' }, model);
    const { OpenAI } = await load('openai');
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'secret', maxRetries: 0 });
    const { data } = await client.models.list();
    expect(data).toEqual([
      { id: 'my judge', object: 'model', created: expect.any(Number), owned_by: 'gram' },
    ]);
    expect(await client.models.retrieve('my judge')).toEqual(data[0]);
    const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'wrong', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 });
  });
});
