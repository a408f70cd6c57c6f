import { cohort } from './cohorts.js';
import { getReward } from './openrlhf.js';
import { compare, rank } from './own.js';
import { rerank, rerankWithoutDocuments } from './rerank.js';
import type { Shape, Shapes } from './schemas.js';
import type { Work } from './scores.js';
import { classify, pooling, score } from './vllm.js';

/** An address that takes JSON and asks the model. */
export interface Route {
  readonly path: string;
  readonly summary: string;
  readonly shape: Shape;
  /** An example request, shown in the documentation and run by a test. */
  readonly example: object;
  answer(body: unknown, work: Work): Promise<object>;
}

/** All addresses that take JSON. */
export function createRoutes(shapes: Shapes): readonly Route[] {
  const capital = 'What is the capital of France?';
  const documents = ['The capital of Brazil is Brasilia.', 'The capital of France is Paris.'];
  const scoring = {
    summary: 'Scores as vLLM gives them: text_1 is a prompt or several, text_2 a response or several.',
    example: { model: 'gram', text_1: capital, text_2: documents },
  };
  const reranking = {
    summary: 'Reranking as Jina, Cohere and Voyage do it.',
    example: { model: 'gram', query: capital, documents, top_n: 1 },
  };
  const conversation = {
    model: 'gram',
    messages: [
      { role: 'user', content: capital },
      { role: 'assistant', content: 'Paris.' },
    ],
  };
  return [
    route(shapes.compare, compare, {
      path: '/v1/compare',
      summary: 'Compares two responses to a prompt, for a list of pairs; each is shown first once.',
      example: { pairs: [{ prompt: 'What is 2 + 2?', a: '4', b: 'About 5.' }] },
    }),
    route(shapes.rank, rank, {
      path: '/v1/rank',
      summary: 'Ranks responses to a prompt by comparing each with each other one.',
      example: { prompt: 'Name a prime.', responses: ['4', '7', 'nine'] },
    }),
    route(shapes.cohort, cohort, {
      path: '/v1/cohorts',
      summary: 'Scores all responses to a prompt; what is not known in time is null.',
      example: { prompt: 'Name a prime.', responses: ['4', '7', 'nine'] },
    }),
    route(shapes.getReward, getReward, {
      path: '/get_reward',
      summary: 'Rewards as a remote reward model of OpenRLHF gives them.',
      example: { query: ['1 + 1 =2', '1 + 1 =3'], prompts: ['1 + 1 =', '1 + 1 ='], labels: ['2', '2'] },
    }),
    ...['/v1/score', '/score'].map((path) => route(shapes.score, score, { path, ...scoring })),
    route(shapes.classify, classify, {
      path: '/classify',
      summary: 'The reward of a conversation as vLLM gives it, by default through the logistic function.',
      example: conversation,
    }),
    route(shapes.pooling, pooling, {
      path: '/pooling',
      summary: 'The reward of a conversation as vLLM gives it, by default as it is.',
      example: conversation,
    }),
    ...['/v1/rerank', '/rerank'].map((path) => route(shapes.rerank, rerank, { path, ...reranking })),
    route(shapes.rerank, rerankWithoutDocuments, { path: '/v2/rerank', ...reranking }),
  ];
}

function route<Request>(
  shape: Shape<Request>,
  answer: (body: Request, work: Work) => Promise<object>,
  rest: Pick<Route, 'path' | 'summary' | 'example'>,
): Route {
  return { ...rest, shape, answer: (body, work) => answer(shape.parse(body), work) };
}
