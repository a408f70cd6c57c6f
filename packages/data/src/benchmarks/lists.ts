import {
  badField,
  conversationText,
  idOf,
  messagesField,
  optionalText,
  textField,
  valueAt,
} from '../readers/fields.js';
import type { FileRecord } from '../readers/records.js';
import type { DataFile } from './files.js';
import { type BenchmarkItem, preferredPair } from './item.js';

/** Responses of one record at most: the number of comparisons grows with its square. */
const RESPONSE_LIMIT = 64;
/** Styles of RM-Bench: concise, detailed plain text, detailed markdown. */
const STYLES = 3;

/**
 * RewardBench 2 (Malik et al. 2025): `{ id, subset, prompt, chosen: [], rejected: [] }`, one chosen and three rejected
 * responses, or any number of each in the subset `Ties`, whose ids are `ref:N` or `tied:N`.
 */
export function rewardBench2Item(from: FileRecord): BenchmarkItem {
  const [subset, id] = [textField(from, 'subset'), idOf(from)];
  const [chosen, rejected] = [textsField(from, 'chosen'), textsField(from, 'rejected')];
  if (subset === 'Ties' && !/^(ref|tied):\d+$/.test(id)) throw badField(from, 'id', '"ref:N" or "tied:N"');
  if (subset !== 'Ties' && chosen.length !== 1) throw badField(from, 'chosen', 'a list of one text');
  const responses = [...chosen, ...rejected];
  return {
    id: `${subset}/${id}`,
    subset,
    prompt: textField(from, 'prompt'),
    responses,
    pairs: responses.flatMap((_, a) =>
      responses.slice(a + 1).map((_, offset) => [a, a + 1 + offset] as const),
    ),
    preferred: 'first',
    correctResponses: chosen.length,
  };
}

const domains = ['chat', 'code', 'math', 'safety-refuse', 'safety-response'] as const;

/**
 * RM-Bench (Liu et al. 2024): `{ id, prompt, chosen: [3], rejected: [3], domain? }`, the three being concise, detailed plain
 * text and detailed markdown. Without `domain` the name of the file says it. The pairs are chosen i against rejected j,
 * i first.
 */
export function rmBenchItem(from: FileRecord, { stem }: DataFile): BenchmarkItem {
  const said = optionalText(from, 'domain');
  const subset = domains.find((domain) => (said ?? stem.replace(/_filtered$/, '')) === domain);
  if (subset === undefined)
    throw badField(from, 'domain', `one of ${domains.join(', ')}, nor is the file named so`);
  const [chosen, rejected] = (['chosen', 'rejected'] as const).map((name) => {
    const texts = textsField(from, name);
    if (texts.length !== STYLES) throw badField(from, name, 'a list of three texts');
    return texts;
  });
  return {
    id: `${subset}/${idOf(from)}`,
    subset,
    prompt: textField(from, 'prompt'),
    responses: [...chosen!, ...rejected!],
    pairs: chosen!.flatMap((_, i) => rejected!.map((_, j) => [i, STYLES + j] as const)),
    preferred: 'first',
  };
}

/**
 * RM-Bench as it comes with GRAM: nine records a sample, one for each pair, `{ id, prompt, chosen, rejected, domain, matrix_id }`
 * with texts for `chosen` and `rejected`, i first. Makes of each nine the record that RM-Bench publishes; other records
 * pass through.
 */
export async function* joinedRmBench(records: AsyncIterable<FileRecord>): AsyncGenerator<FileRecord> {
  let group: FileRecord[] = [];
  for await (const from of records) {
    if (group.length === 0 && valueAt(from, 'matrix_id') === undefined) {
      yield from;
      continue;
    }
    group.push(from);
    if (group.length < STYLES * STYLES) continue;
    yield joined(group);
    group = [];
  }
  if (group.length > 0) {
    throw badField(group.at(-1)!, 'matrix_id', 'the last of nine records of one sample');
  }
}

function joined(group: readonly FileRecord[]): FileRecord {
  const first = group[0]!;
  const texts = (name: 'chosen' | 'rejected', placeOf: (style: number) => number) =>
    Array.from({ length: STYLES }, (_, style) => textField(group[placeOf(style)]!, name));
  const chosen = texts('chosen', (style) => STYLES * style);
  const rejected = texts('rejected', (style) => style);
  const [id, prompt] = [idOf(first), textField(first, 'prompt')];
  for (const [at, from] of group.entries()) {
    const wanted = { prompt, chosen: chosen[Math.floor(at / STYLES)], rejected: rejected[at % STYLES] };
    const other =
      idOf(from) === id
        ? Object.entries(wanted).find(([name, text]) => textField(from, name) !== text)?.[0]
        : 'id';
    if (other !== undefined) {
      throw badField(from, other, `that of ${first.where}, with which it is one sample`);
    }
  }
  return { ...first, record: { ...first.record, chosen, rejected } };
}

/**
 * RMB (Zhou et al. 2024), either part: pairs, `{ pair_uid, conversation_input, chosen: { answer }, reject: { answer } }`, and
 * best-of-n, `{ bon_uid, conversation_input, bon_best: { answer }, loser_list: [{ answer }] }`. The subset is that of the record,
 * or its `category_path` without the first part, behind `pairwise/` or `best-of-n/`.
 */
export function rmbItem(from: FileRecord): BenchmarkItem {
  const prompt = conversationText(messagesField(from, 'conversation_input'));
  const category = optionalText(from, 'subset') ?? textField(from, 'category_path').replace(/^[^/]*\//, '');
  if (valueAt(from, 'bon_best') === undefined) {
    const [chosen, rejected] = [textField(from, 'chosen.answer'), textField(from, 'reject.answer')];
    return preferredPair(
      `pairwise/${idOf(from, 'pair_uid')}`,
      `pairwise/${category}`,
      prompt,
      chosen,
      rejected,
    );
  }
  const losers = valueAt(from, 'loser_list');
  checkList(from, 'loser_list', losers);
  const responses = [
    textField(from, 'bon_best.answer'),
    ...losers.map((_, at) => textField(from, `loser_list.${at}.answer`)),
  ];
  return {
    id: `best-of-n/${idOf(from, 'bon_uid')}`,
    subset: `best-of-n/${category}`,
    prompt,
    responses,
    pairs: losers.map((_, at) => [0, at + 1] as const),
    preferred: 'first',
  };
}

function textsField(from: FileRecord, name: string): string[] {
  const list = valueAt(from, name);
  checkList(from, name, list);
  return list.map((_, at) => textField(from, `${name}.${at}`));
}

function checkList(from: FileRecord, name: string, list: unknown): asserts list is unknown[] {
  if (!Array.isArray(list) || list.length === 0 || list.length > RESPONSE_LIMIT) {
    throw badField(from, name, `a list of 1 to ${RESPONSE_LIMIT} entries`);
  }
}
