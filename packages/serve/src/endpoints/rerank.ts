import { randomUUID } from 'node:crypto';
import { sigmoid } from '@gram/ranking';
import { bestFirst } from './own.js';
import { invalid, type Shapes } from './schemas.js';
import { type Score, scoreEach, type Work } from './scores.js';

type Request = ReturnType<Shapes['rerank']['parse']>;

/** `POST /v1/rerank`, as Jina, Cohere, vLLM and Voyage answer it: documents are responses to the query. */
export function rerank(request: Request, work: Work): Promise<object> {
  return answer(request, work, true);
}

/** `POST /v2/rerank`, where documents are returned only if they are asked for. */
export function rerankWithoutDocuments(request: Request, work: Work): Promise<object> {
  return answer(request, work, false);
}

async function answer(request: Request, work: Work, returnsDocuments: boolean): Promise<object> {
  const { documents, return_documents } = request;
  const scored = await scoreDocuments(request, work);
  const scores = scored.map(({ score }) => score);
  const chosen = bestFirst(scores).slice(0, countOf(request));
  const hasDocuments = return_documents ?? returnsDocuments;
  const result = (index: number) => {
    const { score = 0, truncated = false, neutralized = false } = scored[index] ?? {};
    const relevance_score = work.rewards === undefined ? score : sigmoid(score);
    return { index, relevance_score, truncated, neutralized };
  };
  const text = (index: number) => documents[index] ?? '';
  return {
    id: `rerank-${randomUUID()}`,
    model: work.name,
    usage: { prompt_tokens: 0, total_tokens: 0 },
    meta: { api_version: { version: '2' }, ...warningsOf(scored) },
    results: chosen.map((index) => ({
      ...result(index),
      ...(hasDocuments ? { document: { text: text(index) } } : {}),
    })),
    ...(request.top_k === undefined
      ? {}
      : {
          object: 'list',
          data: chosen.map((index) => ({
            ...result(index),
            ...(return_documents ? { document: text(index) } : {}),
          })),
        }),
  };
}

async function scoreDocuments({ query, documents }: Request, work: Work): Promise<readonly Score[]> {
  // An order of one needs no comparison.
  if (documents.length === 1 && work.rewards === undefined) {
    return [{ score: 0.5, truncated: false, neutralized: false }];
  }
  const items = documents.map((response) => ({ prompt: query, response }));
  return scoreEach(items, { ...work, reference: undefined });
}

function countOf({ documents, top_n, top_k }: Request): number {
  const [n, k] = [top_n ?? undefined, top_k ?? undefined];
  if (n !== undefined && k !== undefined && n !== k) {
    throw invalid(`top_n is ${n} and top_k is ${k}`, 'give one of them');
  }
  return n ?? k ?? documents.length;
}

/** Warnings that Cohere's clients show. */
function warningsOf(scored: readonly Score[]): { warnings?: string[] } {
  const truncated = scored.filter((each) => each.truncated).length;
  const neutralized = scored.filter((each) => each.neutralized).length;
  const warnings = [
    ...(truncated > 0 ? [`${truncated} of ${scored.length} documents were cut to fit the model`] : []),
    ...(neutralized > 0 ? [`${neutralized} of ${scored.length} documents held text that was escaped`] : []),
  ];
  return warnings.length > 0 ? { warnings } : {};
}
