import {
  badField,
  conversationText,
  idOf,
  messagesField,
  numberField,
  optionalText,
  textField,
  valueAt,
} from '../readers/fields.js';
import type { FileRecord } from '../readers/records.js';
import type { DataFile } from './files.js';
import { type BenchmarkItem, onePair, preferredPair } from './item.js';

/** RewardBench (Lambert et al. 2024): `{ id, subset, prompt, chosen, rejected }`. */
export function rewardBenchItem(from: FileRecord): BenchmarkItem {
  const subset = textField(from, 'subset');
  // Numbers of the published file are unique, those of a part that was put together need not be.
  const id = `${subset}/${idOf(from)}`;
  return preferredPair(
    id,
    subset,
    textField(from, 'prompt'),
    textField(from, 'chosen'),
    textField(from, 'rejected'),
  );
}

/** JudgeBench (Tan et al. 2024): `{ pair_id, source, question, response_A, response_B, label }`, label `A>B` or `B>A`. */
export function judgeBenchItem(from: FileRecord): BenchmarkItem {
  const label = textField(from, 'label');
  if (label !== 'A>B' && label !== 'B>A') throw badField(from, 'label', '"A>B" or "B>A"');
  return {
    id: idOf(from, 'pair_id'),
    subset: textField(from, 'source'),
    prompt: textField(from, 'question'),
    responses: [textField(from, 'response_A'), textField(from, 'response_B')],
    pairs: onePair,
    preferred: label === 'A>B' ? 'first' : 'second',
  };
}

/** `{ input, output_1, output_2, label }`, label 1 or 2; the subset is the name of the file. LLMBar publishes MT-Bench so too. */
export function llmBarItem(from: FileRecord, { stem }: DataFile): BenchmarkItem {
  const label = numberField(from, 'label');
  if (label !== 1 && label !== 2) throw badField(from, 'label', '1 or 2');
  return {
    id: `${stem}/${from.number}`,
    subset: stem,
    prompt: textField(from, 'input'),
    responses: [textField(from, 'output_1'), textField(from, 'output_2')],
    pairs: onePair,
    preferred: label === 1 ? 'first' : 'second',
  };
}

/**
 * HHH alignment (Askell et al. 2021) in one of three forms: `{ subset, prompt, chosen, rejected }`; as on the hub, `{ input,
 * targets: { choices: [2], labels: [2] } }` with a label 1 for the better one and 0; as the tasks of BIG-bench,
 * `{ input, target_scores: { RESPONSE: 1, RESPONSE: 0 } }`. The subset of the latter two is the name of the file, or of its
 * folder where it is called `task.json`.
 */
export function hhhItem(from: FileRecord, { stem }: DataFile): BenchmarkItem {
  const id = `${stem}/${from.number}`;
  const scores = valueAt(from, 'target_scores');
  if (valueAt(from, 'targets') === undefined && scores === undefined) {
    const [prompt, chosen, rejected] = ['prompt', 'chosen', 'rejected'].map((name) => textField(from, name));
    return preferredPair(id, textField(from, 'subset'), prompt!, chosen!, rejected!);
  }
  const prompt = textField(from, 'input');
  if (scores !== undefined) {
    const entries = typeof scores === 'object' && scores !== null ? Object.entries(scores) : [];
    const [chosen, rejected] = [1, 0].map((score) => entries.find(([, value]) => value === score)?.[0]);
    if (entries.length !== 2 || chosen === undefined || rejected === undefined) {
      throw badField(from, 'target_scores', 'a response with the score 1 and one with 0');
    }
    return preferredPair(id, stem, prompt, chosen, rejected);
  }
  const labels = [numberField(from, 'targets.labels.0'), numberField(from, 'targets.labels.1')];
  if (labels.some((label) => label !== 0 && label !== 1) || labels[0] === labels[1]) {
    throw badField(from, 'targets.labels', 'a list of one 1 and one 0');
  }
  return {
    id,
    subset: stem,
    prompt,
    responses: [textField(from, 'targets.choices.0'), textField(from, 'targets.choices.1')],
    pairs: onePair,
    preferred: labels[0] === 1 ? 'first' : 'second',
  };
}

/**
 * The test set of PandaLM (Wang et al. 2023): `{ idx, cmp_key, instruction, input, response1, response2, annotator1..3 }`;
 * 1 or 2 is better, 0 is a tie. The label is the majority of three; of three different votes the first counts, as in the
 * authors' script. The subset is the pair of models.
 */
export function pandaLmItem(from: FileRecord): BenchmarkItem {
  const votes = [1, 2, 3].map((annotator) => {
    const name = `annotator${annotator}`;
    const vote = numberField(from, name);
    if (vote !== 0 && vote !== 1 && vote !== 2) throw badField(from, name, '0, 1 or 2');
    return vote;
  });
  const [instruction, input] = [textField(from, 'instruction'), optionalText(from, 'input') ?? ''];
  const majority = votes[1] === votes[2] ? votes[1]! : votes[0]!;
  return {
    id: idOf(from, 'idx'),
    subset: optionalText(from, 'cmp_key') ?? 'all',
    prompt: input === '' ? instruction : `${instruction}\n\n${input}`,
    responses: [pandaLmResponse(from, 'response1'), pandaLmResponse(from, 'response2')],
    pairs: onePair,
    preferred: (['tie', 'first', 'second'] as const)[majority]!,
  };
}

/** Six responses of the published file are `true` where a model wrote "True". */
function pandaLmResponse(from: FileRecord, name: string): string {
  const value = valueAt(from, name);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return textField(from, name);
}

const winners: Readonly<Record<string, 'first' | 'second' | 'dropped'>> = {
  model_a: 'first',
  model_b: 'second',
  tie: 'dropped',
  'tie (inconsistent)': 'dropped',
};

/**
 * MT-Bench with human verdicts: as LLMBar publishes it, or the judgements of FastChat, `{ question_id, model_a, model_b, winner,
 * judge, turn, conversation_a, conversation_b }`. Of these, ties are dropped (as in the set-up without ties of Zheng et al. 2023),
 * and second turns, because their two responses answer different conversations. Each vote is an item.
 */
export function mtBenchItem(from: FileRecord, file: DataFile): BenchmarkItem | 'dropped' {
  if (valueAt(from, 'winner') === undefined) return llmBarItem(from, file);
  const winner = textField(from, 'winner');
  const preferred = Object.hasOwn(winners, winner) ? winners[winner]! : undefined;
  if (preferred === undefined) throw badField(from, 'winner', 'model_a, model_b or tie');
  const turn = numberField(from, 'turn');
  if (turn !== 1 && turn !== 2) throw badField(from, 'turn', '1 or 2');
  const [prompt, ...responses] = ['conversation_a', 'conversation_b'].flatMap((name, at) => {
    const messages = messagesField(from, name);
    if (messages.length < 2) throw badField(from, name, 'a conversation of a question and an answer');
    return at === 0 ? [messages[0]!.content, messages[1]!.content] : [messages[1]!.content];
  });
  if (preferred === 'dropped' || turn === 2) return 'dropped';
  const id = `${file.stem}/${from.number}`;
  return { id, subset: `turn ${turn}`, prompt: prompt!, responses, pairs: onePair, preferred };
}

/**
 * Unified-Feedback: `{ conv_A, conv_B, conv_A_rating, conv_B_rating, source }` with lists of messages whose last one is the
 * response. Pairs of equal ratings are dropped.
 */
export function unifiedFeedbackItem(from: FileRecord, { stem }: DataFile): BenchmarkItem | 'dropped' {
  const conversations = ['conv_A', 'conv_B'].map((name) => {
    const messages = messagesField(from, name);
    if (messages.length < 2) throw badField(from, name, 'a conversation of a prompt and a response');
    return messages;
  });
  const [a, b] = [numberField(from, 'conv_A_rating'), numberField(from, 'conv_B_rating')];
  const subset = textField(from, 'source');
  if (a === b) return 'dropped';
  return {
    id: `${stem}/${from.number}`,
    subset,
    prompt: conversationText(conversations[0]!.slice(0, -1)),
    responses: conversations.map((messages) => messages.at(-1)!.content),
    pairs: onePair,
    preferred: a > b ? 'first' : 'second',
  };
}
