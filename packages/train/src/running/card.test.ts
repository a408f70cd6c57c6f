import { createRequire } from 'node:module';
import type { GramMetadata } from '@gram/model';
import { describe, expect, it } from 'vitest';
import { exampleStep } from '../../../run/src/watch/__fixtures__/steps.js';
import { trainingCard } from './card.js';

// The YAML library of the package that reads configurations.
const { parse } = createRequire(new URL('../../package.json', import.meta.url))('yaml') as {
  parse(text: string): unknown;
};

const gram: GramMetadata = {
  format: 1,
  kind: 'generative',
  judgePrompt: 'gram-eval-1',
  chat: 'gram-plain-1',
  maxLength: 512,
};

const facts = {
  name: 'one',
  config: {
    stage: 'finetune',
    vocabulary: 'labels',
    data: { path: '/home/somebody/secret/pairs.jsonl', format: 'preference' },
    init: { model: 'HuggingFaceTB/SmolLM2-135M-Instruct@main' },
    lora: { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'], dropout: 0, rankStabilized: false },
    maxLength: 512,
    overlong: 'error',
    smoothingConvention: 'paper',
    device: 'cpu',
    precision: 'float32',
    gradientCheckpointing: false,
    optimizer: {
      name: 'adamw',
      learningRate: 1e-4,
      schedule: 'cosine',
      batchSize: 8,
      epochs: 1,
      sharding: 'none',
      warmupRatio: 0.1,
      weightDecay: 0,
      maxGradientNorm: 1,
    },
    seed: 0,
    output: '/home/somebody/secret/runs/one',
    keepCheckpoints: 2,
  },
  gram,
  verdicts: ['A', 'B'],
  data: {
    sha256: 'ab'.repeat(32),
    records: 1207,
    examples: 1200,
    truncated: 3,
    neutralized: 2,
    dropped: { tie: 5, 'equal-once-encoded': 2 },
    repeatedIds: 4,
  },
  parameters: 134_515_008,
  trainedParameters: 460_800,
  history: Array.from({ length: 20 }, (_, index) => ({
    ...exampleStep(index + 1, 20),
    loss: 1 / (index + 1),
  })),
  skipped: 2,
  versions: { gram: '0.1.0', node: 'v22.1.0' },
};

const headerOf = (card: string) => parse(/^---\n([\s\S]*?)\n---\n/.exec(card)![1]!);

describe('trainingCard', () => {
  it('tells what was trained, on what, how it went and how to use it', () => {
    const card = trainingCard(facts);
    expect(headerOf(card)).toEqual({
      base_model: 'HuggingFaceTB/SmolLM2-135M-Instruct',
      library_name: 'transformers',
      tags: ['gram', 'reward-model', 'lora'],
    });
    for (const line of [
      '# `one`',
      '| stage | `finetune` |',
      '| started from | `HuggingFaceTB/SmolLM2-135M-Instruct@main` |',
      '| parameters trained | 460,800 |',
      '| data file | `pairs.jsonl` |',
      `| SHA-256 of the data file | \`${'ab'.repeat(32)}\` |`,
      '| records trained on | 1200 |',
      '| of these cut to fit | 3 |',
      '| records read | 1207 |',
      '| left out: tie | 5 |',
      '| left out: equal once encoded | 2 |',
      '| of these with escaped markers | 2 |',
      '| records with the id of an earlier one | 4 |',
      '| judging prompt | `gram-eval-1` |',
      '| chat layout | `gram-plain-1` |',
      '| number | first step | last step | mean of the last 2 steps | lowest | highest |',
      '| loss | 1 | 0.05 | 0.05132 | 0.05 | 1 |',
      '| `lora.targets` | `q_proj, v_proj` |',
      '| `optimizer.learningRate` | `0.0001` |',
      '| `gram` | `0.1.0` |',
    ]) {
      expect(card.split('\n')).toContain(line);
    }
    expect(card).toContain('20 steps, of which 2 were skipped');
    expect(card).toContain('AutoModelForCausalLM.from_pretrained("MODEL")');
    expect(card).toContain('`A` or `B`');
    expect(card).not.toContain('somebody');
  });

  it('says where a judging prompt of its own is kept, and only the name of its file', () => {
    const init = { ...facts.config.init, judgePrompt: '/home/somebody/secret/mine.txt' };
    const asked: GramMetadata = {
      ...gram,
      kind: 'generative',
      judgePrompt: 'text-1',
      prompt: { id: 'text-1' },
    };
    const card = trainingCard({ ...facts, config: { ...facts.config, init }, gram: asked });
    expect(card).toContain('| `init.judgePrompt` | `mine.txt` |');
    expect(card).toContain('the judging prompt `text-1` in `gram.json`, word for word');
    expect(card).not.toContain('somebody');
  });

  it('names no base that is a path, and no accuracy where there is none', () => {
    for (const model of ['/home/somebody/models/base', '/models/x.gguf', 'C:\\models\\base', undefined]) {
      const history = facts.history.map(({ accuracy, ...rest }) => rest);
      const card = trainingCard({
        ...facts,
        config: { ...facts.config, init: { model }, lora: undefined },
        history,
      });
      expect(headerOf(card)).toEqual({ library_name: 'transformers', tags: ['gram', 'reward-model'] });
      expect(card).not.toMatch(/somebody|accuracy \||NaN|undefined/);
    }
  });

  it.each([
    ['discriminative', 'AutoModelForSequenceClassification', 'gram score'],
    ['policy', 'AutoModelForCausalLM', 'gram generate'],
    ['value', 'AutoModelForSequenceClassification', 'value'],
  ] as const)('says how to use a %s model', (kind, loader, words) => {
    const asked: GramMetadata =
      kind === 'discriminative'
        ? { ...gram, kind }
        : { ...gram, kind, judgePrompt: undefined, prompt: undefined };
    const card = trainingCard({ ...facts, gram: asked });
    expect(card).toContain(loader);
    expect(card).toContain(words);
    if (kind !== 'discriminative') expect(card).toContain('| judging prompt | none |');
  });

  it('takes foreign text for text: no markup, no row, no header of its own', () => {
    const hostile =
      'a|b`c``d\n---\n# x\n<script>alert(1)</script> [x](https://evil.example) \u202eevil\u001b[2J';
    const card = trainingCard({
      ...facts,
      name: hostile,
      config: {
        ...facts.config,
        data: { ...facts.config.data, path: `/x/${hostile.replaceAll('/', '∕')}` },
        init: { model: `/m/${hostile}` },
      },
      gram: { ...gram, judgePrompt: hostile, chat: hostile },
      versions: { [hostile]: hostile },
    });
    expect(headerOf(card)).toEqual({ library_name: 'transformers', tags: ['gram', 'reward-model', 'lora'] });
    expect(card.match(/^---$/gm)).toHaveLength(2);
    expect(card.match(/^# /gm)).toHaveLength(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(card).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    // What is left without its code spans is ours.
    const ours = card.replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, '');
    expect(ours).not.toMatch(/evil|script/);
    for (const line of card.split('\n').filter((text) => text.startsWith('|'))) {
      const bars = line.replaceAll('\\|', '').match(/\|/g)!.length;
      expect([3, 7]).toContain(bars);
    }
  });

  it('stands without a step', () => {
    expect(trainingCard({ ...facts, history: [] })).toContain('No step was done.');
    const broken = facts.history.map((record) => ({ ...record, loss: Number.NaN }));
    expect(trainingCard({ ...facts, history: broken })).not.toMatch(/\| loss|Infinity|NaN/);
  });
});
