import { describe, expect, it } from 'vitest';
import { type JudgePrompt, judgePrompt, judgePrompts } from './judge-prompt.js';
import { judgePromptFromText } from './judge-prompt-text.js';
import { parseJudgePrompt } from './parse-judge-prompt.js';

const compact = judgePrompt('gram-compact-1');

/** A compact prompt as JSON holds it, with some fields replaced; `undefined` removes one. */
const changed = (changes: Record<string, unknown>): unknown =>
  JSON.parse(JSON.stringify({ ...compact, ...changes }));

describe('parseJudgePrompt', () => {
  it.each(judgePrompts.map((prompt) => [prompt.id, prompt] as const))(
    'reads %s, written as JSON',
    (_, prompt) => {
      expect(parseJudgePrompt(JSON.parse(JSON.stringify(prompt)), 'it')).toEqual(prompt);
    },
  );

  it.each(Object.keys(compact))('needs the field %s, of the right type', (field) => {
    expect(() => parseJudgePrompt(changed({ [field]: undefined }), 'p.json')).toThrow(
      `p.json: ${field} is missing`,
    );
    expect(() => parseJudgePrompt(changed({ [field]: 7 }), 'p.json')).toThrow(`p.json: ${field} is n`);
  });

  it.each<[string, unknown, string]>([
    ['a list', [], 'the judging prompt is not an object'],
    ['null', null, 'the judging prompt is not an object'],
    ['another field', changed({ lables: [] }), '"lables" is not a known field'],
    ['a block without an end', changed({ question: { start: '' } }), 'question.end is missing'],
    [
      'a block with a number',
      changed({ answers: [compact.answers[0], { start: 1, end: '' }] }),
      'answers[1].start is not a string',
    ],
    [
      'a block with more',
      changed({ question: { start: '', end: '', middle: '' } }),
      '"middle" is not a known field',
    ],
    ['three labels', changed({ labels: ['A', 'B', 'C'] }), 'labels has 3 entries and needs 2'],
    ['equal labels', changed({ labels: ['A', 'A'] }), 'labels holds one label twice'],
    ['an empty label', changed({ labels: ['A', ''] }), 'labels[1] is empty'],
    ['no marker', changed({ markers: [] }), 'markers is empty'],
    ['a marker twice', changed({ markers: ['Q:', 'Q:'] }), 'markers[0] overlaps with markers[1]'],
    ['a marker in another', changed({ markers: ['a', 'xay'] }), 'markers[1] overlaps with markers[0]'],
    ['a marker that goes on', changed({ markers: ['ab', 'bc'] }), 'markers[0] overlaps with markers[1]'],
    ['a wrong place', changed({ markersCount: 'never' }), 'markersCount is neither "anywhere" nor'],
  ])('refuses %s', (_name, json, message) => {
    expect(() => parseJudgePrompt(json, 'p.json')).toThrow(message);
    expect(() => parseJudgePrompt(json, 'p.json')).toThrow(expect.objectContaining({ code: 'bad-prompt' }));
  });
});

/** The plain text of a prompt. */
const textOf = ({ instruction, question, answers: [a, b], between, tail }: JudgePrompt) =>
  `${instruction}${question.start}{question}${question.end}${a.start}{answer_a}${a.end}${between}${b.start}{answer_b}${b.end}${tail}`;

describe('judgePromptFromText', () => {
  it.each(['', '\n', '\r\n'])('reads gram-eval-1 as it would be pasted, and %j at the end', (end) => {
    const known = judgePrompt('gram-eval-1');
    const text = end === '\r\n' ? textOf(known).replaceAll('\n', '\r\n') : textOf(known);
    expect(judgePromptFromText(text + end, 'p.txt')).toEqual({ ...known, id: expect.any(String) });
  });

  it('knows the names of the places that the authors published', () => {
    const [own, published] = [
      ['question', 'answer_a', 'answer_b'],
      ['input', 'response_a', 'response_b'],
    ].map(([q, a, b]) =>
      judgePromptFromText(`Judge.\n\n[Q] {${q}}\n\n[A] {${a}}\n[B] {${b}}\n#Preferred: `, 'p.txt'),
    );
    expect(published).toEqual({ ...own, id: published!.id });
    expect(published!.tail + published!.answers[1].end).toContain('#Preferred: ');
  });

  it('keeps every character, and names the text by its hash', () => {
    const text = 'Judge.\n\n<Q>{question}</Q>\n\n#1: {answer_a}\n#2: {answer_b}\n\nReply A or B: ';
    const read = judgePromptFromText(text, 'p.txt');
    expect(textOf(read)).toBe(text);
    expect(read.markers).toEqual(['<Q>', '</Q>', '#1:', '#2:', 'Reply A or B:']);
    expect(read.markersCount).toBe('at-line-start');
    expect(read.id).toMatch(/^text-[0-9a-f]{16}$/);
    expect(judgePromptFromText(`${text} `, 'p.txt').id).not.toBe(read.id);
    expect(parseJudgePrompt(JSON.parse(JSON.stringify(read)), 'it')).toEqual(read);
  });

  it.each([
    ['a place that is missing', '[Q] {question} [A] {answer_a}', 'has {answer_b} nowhere'],
    ['a place twice', '[Q] {question} {question} [A] {answer_a} [B] {answer_b}', 'has {question} 2 times'],
    ['another order', '[A] {answer_a} [Q] {question} [B] {answer_b}', 'has {answer_a} out of order'],
    ['nothing between', '{question}\n{answer_a}\n{answer_b}', 'no line of the judging prompt tells'],
    ['one line in another', 'A: {question}\nthe A: {answer_a}\nB: {answer_b}', '"the A:" overlaps with "A:"'],
  ])('refuses %s', (_name, text, message) => {
    const read = () => judgePromptFromText(text, 'p.txt');
    expect(read).toThrow(`p.txt: `);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: 'bad-prompt' }));
  });
});
