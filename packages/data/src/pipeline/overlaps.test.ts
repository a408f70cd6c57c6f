import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readPrompts } from '../readers/singles.js';
import { createOverlapFinder, decontaminate } from './decontaminate.js';
import { createPipeline } from './step.js';

const real = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));
const prompts = (path: string, prompt?: string) =>
  readPrompts(join(real, path), { format: 'prompts', ...(prompt && { columns: { prompt } }) });

async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('decontamination', () => {
  const question =
    'Which three of the planets of the solar system have been visited by people so far, and when?';
  const finderOf = (...texts: string[]) =>
    createOverlapFinder([
      { name: 'test', records: texts.map((prompt, at) => ({ id: `${at}`, prompt })) },
      { name: 'other', records: [{ id: 'x', prompt: 'Something else.' }] },
    ]);
  const user = (content: string) => ({ role: 'user', content });

  it.each([
    ['the prompt itself', { prompt: question }],
    ['in capitals, with other white space', { prompt: ` ${question.toUpperCase().replaceAll(' ', '\n ')}` }],
    ['a later turn', { prompt: [user('Hi'), { role: 'assistant', content: 'Yes?' }, user(question)] }],
    ['within a longer prompt', { prompt: `Answer in French. ${question} Be brief.` }],
    ['in a response', { prompt: 'Ask me something.', response: `Well: ${question}` }],
    ['with a changed end', { prompt: question.replace('and when?', 'and when') }],
  ])('finds %s', async (_, record) => {
    const finder = await finderOf(question);
    expect(finder.look({ id: '1', ...record })).toEqual(['test']);
  });

  it.each([
    ['another question of the same words', { prompt: question.split(' ').reverse().join(' ') }],
    ['half of it', { prompt: question.slice(0, question.length / 2) }],
    ['nothing in common', { prompt: 'Why?' }],
  ])('passes %s', async (_, record) => {
    const finder = await finderOf(question);
    expect(finder.look({ id: '1', ...record })).toEqual([]);
  });

  it('does not take a template for its questions, and short prompts for parts of others', async () => {
    const template =
      'Read the question below with care, and give the letter of the right answer and nothing else. ';
    const finder = await finderOf(
      'Hi',
      ...Array.from({ length: 20 }, (_, at) => `${template}Question ${at}`),
    );
    expect(finder.look({ id: '1', prompt: `${template}Question 77` })).toEqual([]);
    expect(finder.look({ id: '2', prompt: `${template}Question 7` })).toEqual(['test']);
    expect(finder.look({ id: '3', prompt: 'Hi there, say hi to all of them and to their friends.' })).toEqual(
      [],
    );
    expect(finder.look({ id: '4', prompt: 'hi' })).toEqual(['test']);
  });

  it('reports what was found, and the counts of the step add up', async () => {
    const finder = await finderOf(question, question.toLowerCase(), 'Why?');
    const data = [question, `${question} Hurry.`, 'Why not?'].map((prompt, at) => ({ id: `${at}`, prompt }));
    const pipeline = createPipeline(data, [decontaminate(finder)]);
    expect(await gather(pipeline)).toEqual([data[2]]);
    expect(pipeline.counts).toEqual([
      { name: 'decontamination', read: 3, kept: 1, dropped: { 'in test': 2 } },
    ]);
    expect(finder.overlaps).toMatchObject([
      { name: 'test', prompts: 2, equal: 1, near: 0, records: 2 },
      { name: 'other', prompts: 1, equal: 0, near: 0, records: 0, examples: [] },
    ]);
  });

  it.skipIf(!existsSync(real))('finds the prompts of AlpacaEval in the real evaluation sets', async () => {
    const finder = await createOverlapFinder([
      { name: 'pandalm', records: prompts('pandalm/testset-v1.json.gz') },
      { name: 'rm-bench', records: prompts('rm-bench') },
      { name: 'faireval', records: prompts('llmbar/faireval.json', 'input') },
    ]);
    const data = prompts('alpaca-eval/responses.jsonl.gz', 'instruction');
    const kept = await gather(createPipeline(data, [decontaminate(finder)]));
    // In PandaLM 162 prompts are equal to the letter, 168 but for case and white space, and one has a character more.
    expect(finder.overlaps).toMatchObject([
      { name: 'pandalm', prompts: 170, equal: 168, near: 1 },
      { name: 'rm-bench', prompts: 796, equal: 129, near: 0 },
      { name: 'faireval', prompts: 66, equal: 66, near: 0 },
    ]);
    // The records that are left overlap nothing.
    for (const record of kept) expect(finder.look(record)).toEqual([]);
  });
});
