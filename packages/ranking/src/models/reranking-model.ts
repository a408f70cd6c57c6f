import type { Comparator } from '../comparator/comparator.js';
import { recordFlags, type TextFlags } from '../comparator/record-flags.js';
import { groupScores } from '../scores/group-scores.js';

/**
 * The interface that `rerank` of the AI SDK calls: version 3 of its specification (`RerankingModelV3` of `@ai-sdk/provider`),
 * which versions 6 and 7 of the SDK take.
 */
export interface RerankingModel {
  readonly specificationVersion: 'v3';
  readonly provider: string;
  readonly modelId: string;
  doRerank(options: {
    readonly documents:
      | { readonly type: 'text'; readonly values: readonly string[] }
      | { readonly type: 'object'; readonly values: readonly object[] };
    readonly query: string;
    readonly topN?: number;
    readonly abortSignal?: AbortSignal;
  }): Promise<{
    ranking: { index: number; relevanceScore: number }[];
    /** Under `gram` the indices of documents that stood in comparisons whose texts were cut or escaped. */
    providerMetadata: { gram: { truncated: number[]; neutralized: number[] } };
  }>;
}

/**
 * Makes a model for `rerank` of the AI SDK: documents are responses to the query. The score of a document is the mean
 * probability that it is preferred to another one; a single document has 0.5. Objects are compared as JSON.
 *
 * @param modelId the name that the SDK reports
 */
export function rerankingModel(model: Comparator, modelId = 'reward-model'): RerankingModel {
  return {
    specificationVersion: 'v3',
    provider: 'gram',
    modelId,
    async doRerank({ documents, query, topN, abortSignal: signal }) {
      const responses =
        documents.type === 'text' ? documents.values : documents.values.map((value) => JSON.stringify(value));
      const group = { id: 'documents', prompt: query, responses };
      const recorder = recordFlags(model);
      const [scores = []] =
        responses.length < 2 ? [responses.map(() => 0.5)] : await groupScores(recorder, [group], { signal });
      const ranking = scores
        .map((relevanceScore, index) => ({ index, relevanceScore }))
        .sort((a, b) => b.relevanceScore - a.relevanceScore || a.index - b.index);
      const flags = responses.map((response) => recorder.flagsOf({ prompt: query, response }));
      const flagged = (isSet: (flag: TextFlags) => boolean) =>
        flags.flatMap((flag, index) => (isSet(flag) ? [index] : []));
      const gram = {
        truncated: flagged(({ truncated }) => truncated),
        neutralized: flagged(({ neutralized }) => neutralized),
      };
      return { ranking: ranking.slice(0, topN ?? ranking.length), providerMetadata: { gram } };
    },
  };
}
