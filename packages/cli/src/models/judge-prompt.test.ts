import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@gram/base';
import { initWeights, type ModelConfig, saveModel } from '@gram/model';
import { judgePrompt, judgePrompts, plainChat, tokenizerFromJson, trainBpe } from '@gram/tokenize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gram } from '../__fixtures__/run.js';
import { parseJudgePrompt } from './judge-prompt.js';

const root = mkdtempSync(join(tmpdir(), 'gram-judge-prompt-'));
afterAll(() => rmSync(root, { recursive: true }));

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

  it('reads the example of the README', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const example: unknown = JSON.parse(/```json\n([\s\S]+?)```/.exec(readme)![1]!);
    expect(parseJudgePrompt(example, 'README')).toEqual({ ...compact, id: 'mine-1' });
  });

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
    expect(() => parseJudgePrompt(json, 'p.json')).toThrow(expect.objectContaining({ code: 'bad-file' }));
  });
});

const config: ModelConfig = {
  architecture: 'LlamaForCausalLM',
  vocabSize: 300,
  hiddenSize: 32,
  intermediateSize: 64,
  numHiddenLayers: 1,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  rmsNormEps: 1e-6,
  ropeTheta: 10_000,
  maxPositionEmbeddings: 512,
  tieWordEmbeddings: true,
};

/** Writes the turns of {@link plainChat}. */
const chatTemplate = `{% for message in messages %}<|{{ message.role }}|>{{ message.content }}
{%- if message.role == 'assistant' %}<|end|>{% endif %}{% endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}`;

describe('--judge-prompt', () => {
  const [judge, plain, bare] = ['judge', 'plain', 'bare'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  const pair = ['--prompt', 'Add 2 and 3.', '--a', '5', '--b', 'six'];
  const score = (model: string, ...flags: string[]) =>
    gram(['score', '--model', model, ...pair, '--json', ...flags]);

  beforeAll(async () => {
    const random = createRandom(4, 'plain model');
    const weights = initWeights(config, { normal: () => 10 * random.normal() });
    const texts = ['the sum of two and three is five', compact.instruction];
    const { specialTokens } = plainChat;
    const tokenizerJson = tokenizerFromJson(trainBpe({ texts, vocabSize: 300, specialTokens })).json;
    const asked = { judgePrompt: compact.id, chat: plainChat.id, maxLength: 512 };
    await saveModel(judge, {
      config,
      weights,
      gram: { format: 1, kind: 'generative', ...asked },
      tokenizerJson,
    });
    await saveModel(plain, { config, weights, tokenizerJson, chatTemplate });
    await saveModel(bare, { config, weights, tokenizerJson });
  });

  it('asks a plain language model as its chat template and the prompt say, by id or from a file', async () => {
    const file = join(root, 'mine.json');
    writeFileSync(file, JSON.stringify(changed({ id: 'mine-1' })));
    const known = await score(judge);
    expect(known.status, known.stderr).toBe(0);
    const { orders } = JSON.parse(known.stdout);
    expect(orders[0]).not.toBeCloseTo(0.5, 2);
    for (const prompt of ['gram-compact-1', file]) {
      const { status, stdout, stderr } = await score(plain, '--judge-prompt', prompt);
      expect(status, stderr).toBe(0);
      expect(JSON.parse(stdout)).toEqual(JSON.parse(known.stdout));
    }
    const other = await score(plain, '--judge-prompt', 'gram-eval-1', '--overlong', 'truncate');
    expect(other.status, other.stderr).toBe(1);
    expect(other.stderr).toMatch(/template/);
  });

  it('evaluates and ranks with one, and in 4 bits', async () => {
    const data = join(root, 'pairs.jsonl');
    writeFileSync(data, JSON.stringify({ prompt: 'Add 2 and 3.', chosen: '5', rejected: 'six' }));
    const flags = ['--judge-prompt', 'gram-compact-1', '--precision', 'int4', '--json'];
    const evaluated = await gram(['eval', '--model', plain, '--data', data, ...flags]);
    expect(evaluated.status, evaluated.stderr).toBe(0);
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ pairs: 1, flips: { pairs: 1 } });
    const responses = ['--response', '5', '--response', 'six'];
    const ranked = await gram(['rank', '--model', plain, '--prompt', 'x', ...responses, ...flags]);
    expect(ranked.status, ranked.stderr).toBe(0);
    expect(JSON.parse(ranked.stdout).ranking).toHaveLength(2);
  });

  it.each<[string, () => string, number, RegExp]>([
    ['a missing one', () => '', 2, /plain has no gram\.json.*; .*--judge-prompt gram-eval-1\n$/],
    ['an unknown one', () => 'gram-9', 1, /"gram-9" is neither .*; give gram-eval-1, gram-compact-1, or a/],
    ['a folder', () => root, 1, /is neither a judging prompt nor a file/],
    ['a file that is no JSON', () => written('{'), 1, /cannot be read as JSON/],
    [
      'a file without a field',
      () => written(JSON.stringify(changed({ tail: undefined }))),
      1,
      /broken\.json: tail is missing; repair the judging prompt/,
    ],
    [
      'a file that is too large',
      () => written(JSON.stringify({ x: 'y'.repeat(1e6) })),
      1,
      /has \d+ bytes, and a judging/,
    ],
  ])('%s gives one line', async (_name, prompt, status, message) => {
    const value = prompt();
    const result = await score(plain, ...(value === '' ? [] : ['--judge-prompt', value]));
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toMatch(/^gram: [^\n]*; [^\n]*\n$/);
    expect(result.stderr).toMatch(message);
  });

  it('needs a chat template', async () => {
    const { status, stderr } = await score(bare, '--judge-prompt', 'gram-compact-1');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^gram: [^\n]*chat template[^\n]*; [^\n]*\n$/);
  });

  function written(text: string): string {
    writeFileSync(join(root, 'broken.json'), text);
    return join(root, 'broken.json');
  }
});
