import { badField, type FileRecord, numberField, textField, turnsField, valueAt } from '@gram/data';
import type { BenchmarkDefinition, DataFile } from '../benchmark/definition.js';
import { type BenchmarkItem, ONE_PAIR } from '../benchmark/item.js';
import { labeledPair } from '../benchmark/labeled-pair.js';
import { subsetMeansTable } from '../benchmark/subset-means.js';

/**
 * MT-Bench with human verdicts: as LLMBar publishes it, or the judgements of FastChat, records `{ question_id, model_a,
 * model_b, winner, judge, turn, conversation_a, conversation_b }`. Of these, ties are dropped (as in the set-up without ties
 * of Zheng et al. 2023), and second turns, because their two responses answer different conversations. Each vote is an item.
 */
export const mtBench: BenchmarkDefinition = {
  title: 'MT-Bench (human)',
  parse,
  fileNames: /mt.?bench/i,
  table: subsetMeansTable,
};

const WINNERS = new Map<string, 'first' | 'second' | 'dropped'>([
  ['model_a', 'first'],
  ['model_b', 'second'],
  ['tie', 'dropped'],
  ['tie (inconsistent)', 'dropped'],
]);

function parse(from: FileRecord, { stem }: DataFile): BenchmarkItem | 'dropped' {
  if (valueAt(from, 'winner') === undefined) return labeledPair(from, stem);
  const preferred = WINNERS.get(textField(from, 'winner'));
  if (preferred === undefined) throw badField(from, 'winner', 'model_a, model_b or tie');
  const turn = numberField(from, 'turn');
  if (turn !== 1 && turn !== 2) throw badField(from, 'turn', '1 or 2');
  const [first, second] = [firstTurn(from, 'conversation_a'), firstTurn(from, 'conversation_b')];
  if (preferred === 'dropped' || turn === 2) return 'dropped';
  return {
    id: `${stem}/${from.number}`,
    subset: `turn ${turn}`,
    prompt: first.question,
    responses: [first.answer, second.answer],
    pairs: ONE_PAIR,
    preferred,
  };
}

function firstTurn(from: FileRecord, name: string): { question: string; answer: string } {
  const [question, answer] = turnsField(from, name).map(({ content }) => content);
  if (typeof question === 'string' && typeof answer === 'string') return { question, answer };
  throw badField(from, name, 'a conversation of a question and an answer');
}
