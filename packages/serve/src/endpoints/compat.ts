import { randomUUID } from 'node:crypto';
import { bestFirst } from './own.js';
import { invalid, type Shapes } from './schemas.js';
import { scoreEach, type Work } from './scores.js';

type Request<Name extends keyof Shapes> = ReturnType<Shapes[Name]['parse']>;

/** `POST /get_reward`, as `openrlhf.cli.serve_rm` answers it. A query is a prompt with the response behind it. */
export async function getReward({ query, prompts }: Request<'getReward'>, work: Work): Promise<object> {
  if (query.length !== prompts.length) {
    throw invalid(`there are ${query.length} queries and ${prompts.length} prompts`);
  }
  const items = query.map((text, index) => {
    const prompt = prompts[index] ?? '';
    if (!text.startsWith(prompt)) throw invalid(`query[${index}] does not begin with prompts[${index}]`);
    return { prompt, response: text.slice(prompt.length) };
  });
  const rewards = await scoreEach(items, work);
  return { rewards, scores: rewards, extra_logs: {} };
}

/** `POST /v1/score`, as vLLM answers it: one prompt and one or more responses, or as many prompts as responses. */
export async function score({ text_1, text_2 }: Request<'score'>, work: Work): Promise<object> {
  if (text_1.length !== 1 && text_1.length !== text_2.length) {
    throw invalid(`text_1 has ${text_1.length} entries and text_2 has ${text_2.length}`);
  }
  const [only = ''] = text_1;
  const items = text_2.map((response, index) => {
    return { prompt: text_1.length === 1 ? only : (text_1[index] ?? ''), response };
  });
  const scores = await scoreEach(items, work);
  return {
    id: `score-${randomUUID()}`,
    object: 'list',
    created: Math.floor(Date.now() / 1000),
    model: work.name,
    data: scores.map((value, index) => ({ index, object: 'score', score: value })),
    // Tokens are not counted.
    usage: {},
  };
}

/** `POST /v1/rerank`, as Jina and Cohere answer it: documents are responses to the query. */
export async function rerank(
  { query, documents, top_n, return_documents }: Request<'rerank'>,
  work: Work,
): Promise<object> {
  // An order of one needs no comparison.
  const scores =
    documents.length === 1
      ? [0.5]
      : await scoreEach(
          documents.map((response) => ({ prompt: query, response })),
          { ...work, reference: undefined },
        );
  const results = bestFirst(scores)
    .slice(0, top_n ?? documents.length)
    .map((index) => ({
      index,
      relevance_score: scores[index] ?? 0,
      ...((return_documents ?? true) ? { document: { text: documents[index] ?? '' } } : {}),
    }));
  return { id: `rerank-${randomUUID()}`, model: work.name, usage: {}, results };
}
