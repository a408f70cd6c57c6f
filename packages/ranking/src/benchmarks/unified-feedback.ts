import {
  badField,
  conversationText,
  type FileRecord,
  messagesField,
  numberField,
  textField,
} from '@gram/data';
import type { BenchmarkDefinition, DataFile } from '../benchmark/definition.js';
import { type BenchmarkItem, ONE_PAIR } from '../benchmark/item.js';
import { subsetMeansTable } from '../benchmark/subset-means.js';

/**
 * Unified-Feedback: records `{ conv_A, conv_B, conv_A_rating, conv_B_rating, source }` with lists of messages whose last one is
 * the response. Pairs of equal ratings are dropped.
 */
export const unifiedFeedback: BenchmarkDefinition = {
  title: 'Unified-Feedback',
  parse,
  table: subsetMeansTable,
};

function parse(from: FileRecord, { stem }: DataFile): BenchmarkItem | 'dropped' {
  const [first, second] = [conversation(from, 'conv_A'), conversation(from, 'conv_B')];
  const [a, b] = [numberField(from, 'conv_A_rating'), numberField(from, 'conv_B_rating')];
  const subset = textField(from, 'source');
  if (a === b) return 'dropped';
  return {
    id: `${stem}/${from.number}`,
    subset,
    prompt: first.prompt,
    responses: [first.response, second.response],
    pairs: ONE_PAIR,
    preferred: a > b ? 'first' : 'second',
  };
}

function conversation(from: FileRecord, name: string): { prompt: string; response: string } {
  const messages = messagesField(from, name);
  const response = messages.at(-1);
  if (response === undefined || messages.length < 2) {
    throw badField(from, name, 'a conversation of a prompt and a response');
  }
  return { prompt: conversationText(messages.slice(0, -1)), response: response.content };
}
