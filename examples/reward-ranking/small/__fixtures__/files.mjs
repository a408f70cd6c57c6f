import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createRandom } from '@gram/base';

const NOUNS = ['river', 'garden', 'engine', 'teacher', 'window', 'mountain', 'letter', 'market', 'bridge'];
const random = createRandom(5, 'texts');
let made = 0;
const nouns = (count) => Array.from({ length: count }, () => NOUNS[random.integer(NOUNS.length)]).join(' ');
export const question = () => `Question ${++made}: what do you know about the ${nouns(4)}?`;
export const answer = () => `It is about a ${nouns(2 + random.integer(4))}, number ${++made}.`;
export const list = (count, of) => Array.from({ length: count }, (_, at) => of(at));

/** Prompts that stand in two places: a test has them, and what is learned from as well. */
export const LEAKED = { pandalm: question(), rmBench: question(), llmbar: question() };

const outputs = (prompts) =>
  prompts.map((instruction, id) => ({ id, instruction, outputs: { a: answer(), b: answer() } }));
const human = (prompt) => `\n\nHuman: ${prompt}\n\nAssistant: ${answer()}`;
const transcripts = (prompts) =>
  prompts.map((prompt) => ({ chosen: human(prompt), rejected: human(prompt) }));
const judged = () => ({ llm_name: 'm', answer: answer() });
const asked = () => ({
  ...{ subset: 's', category_path: 'c' },
  conversation_input: [{ role: 'user', content: question(), language: 'English' }],
});
const talk = (prompt) => [
  { role: 'user', content: prompt },
  { role: 'assistant', content: answer() },
];
const said = () => ({ from: 'gpt', value: answer() });
const pairs = (prompts) => prompts.map((input) => ({ input, output_1: answer(), output_2: answer(), label: 1 }));

/** A few records in the form in which each file is published, by the beginning of its path. */
const RECORDS = {
  'alpaca-eval': () => outputs([LEAKED.pandalm, LEAKED.rmBench, LEAKED.llmbar, ...list(4, question)]),
  'arena-hard': () => outputs(list(2, question)),
  dsp: () => outputs(list(2, question)),
  'ultrafeedback-sample': () =>
    list(2, (at) => {
      const prompt = question();
      const metadata = { score_chosen: 2, score_rejected: 1 };
      return { prompt, source_index: at, metadata, chosen: talk(prompt), rejected: talk(prompt) };
    }),
  'llamafactory-demo': () =>
    list(2, () => ({
      conversations: [{ from: 'human', value: question() }],
      ...{ chosen: said(), rejected: said() },
    })),
  'topical-chat': () => {
    const [source, context] = ['s', question()];
    return list(2, (at) => ({
      ...{ source, context, system_id: `${at}`, system_output: answer(), scores: { overall: at } },
    }));
  },
  'rmb/best': () =>
    list(2, (at) => ({ ...asked(), bon_uid: `${at}`, bon_best: judged(), loser_list: [judged(), judged()] })),
  'rmb/pairwise': () =>
    list(12, () => ({ ...asked(), pair_uid: question(), chosen: judged(), reject: judged() })),
  'hh-rlhf/helpful': () => transcripts([LEAKED.rmBench, ...list(11, question)]),
  'hh-rlhf/harmless': () => transcripts(list(12, question)),
  'llmbar/natural': () => pairs([LEAKED.llmbar, question()]),
  llmbar: () => pairs(list(2, question)),
  hhh: () => list(3, (id) => ({ id, prompt: question(), chosen: answer(), rejected: answer(), subset: 's' })),
  xstest: () => list(3, (id) => ({ id, prompt: question(), chosen: answer(), rejected: answer(), subset: 's' })),
  webgpt: () => list(2, () => ({ question: question(), answers: [answer(), answer()], scores: [1, 0] })),
  pandalm: () =>
    [LEAKED.pandalm, question()].map((instruction, idx) => ({
      ...{ idx, instruction, input: '', response1: answer(), response2: answer() },
      ...{ annotator1: 1, annotator2: 1, annotator3: 1 },
    })),
  'rm-bench': () =>
    [LEAKED.rmBench, question()].map((prompt, id) => ({
      ...{ id: `chat/${id}`, prompt, subset: 'chat' },
      ...{ chosen: list(3, answer), rejected: list(3, answer) },
    })),
};

/** Writes a handful of records for every file of a source, under the paths and in the formats of the published files. */
export function writeFiles(directory, source) {
  const { unlabeled, labeled, tests, excluded } = source;
  for (const path of new Set([unlabeled, labeled, tests, excluded].flatMap(pathsIn))) {
    const [, records] = Object.entries(RECORDS).find(([start]) => path.startsWith(start));
    const file = join(directory, path === 'rm-bench' ? 'rm-bench/chat_filtered.json.gz' : path);
    const text = file.includes('.jsonl')
      ? records().map((one) => JSON.stringify(one)).join('\n')
      : JSON.stringify(records());
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, file.endsWith('.gz') ? gzipSync(text) : text);
  }
}

function pathsIn(files) {
  return typeof files.path === 'string' ? [files.path] : Object.values(files).flatMap(pathsIn);
}
