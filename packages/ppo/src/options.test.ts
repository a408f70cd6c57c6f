import { readFileSync } from 'node:fs';
import { adamW, sgd } from '@gram/train';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { optionFields, type PpoOptionsInput, ppoOptions } from './options.js';

const least: PpoOptionsInput = { steps: 1000, maxNewTokens: 300 };

describe('ppoOptions', () => {
  it('defaults to what is known of the paper', () => {
    expect(ppoOptions(least)).toMatchObject({
      batchSize: 64,
      samplesPerPrompt: 1,
      sampling: { temperature: 0.75, topP: 0.95 },
      greedyReference: true,
      advantages: 'gae',
      epochs: 4,
      policyLearningRate: 1e-5,
      valueLearningRate: 5e-6,
      valueOnlySteps: 30,
      rewardScale: 10,
      queueSize: 1000,
      kl: { in: 'reward', estimator: 'k1' },
      evaluateEvery: 200,
      checkpointEvery: 200,
    });
  });

  it('follows the other options where they decide', () => {
    expect(ppoOptions({ ...least, advantages: 'grpo' })).toMatchObject({
      samplesPerPrompt: 4,
      valueOnlySteps: 0,
      kl: { in: 'loss', estimator: 'k3', weight: 0.05 },
    });
    expect(ppoOptions({ ...least, rewardScale: 1 }).valueClip).toBeCloseTo(0.2);
    expect(ppoOptions({ ...least, kl: { in: 'loss' } }).kl.estimator).toBe('k3');
  });

  it.each<[string, object]>([
    ['steps', { steps: 0 }],
    ['maxNewTokens', { maxNewTokens: 1.5 }],
    ['sampling.temperature', { sampling: { temperature: 0, topP: 1 } }],
    ['sampling.topP', { sampling: { temperature: 1, topP: 1.1 } }],
    ['advantages', { advantages: 'ppo' }],
    ['kl.weight', { kl: { weight: -1 } }],
    ['kl.estimator', { kl: { estimator: 'k4' } }],
    ['clip', { clip: 1 }],
    ['lambda', { lambda: Number.NaN }],
    ['gamma', { gamma: 10 }],
    ['kl.alpha', { kl: { alpha: 1 } }],
    ['samplesPerPrompt', { advantages: 'rloo', samplesPerPrompt: 1 }],
    ['valueOnlySteps', { advantages: 'grpo', valueOnlySteps: 30 }],
    ['valueOnlySteps', { steps: 30 }],
  ])('names %s when it is wrong', (name, change) => {
    const call = () => ppoOptions({ ...least, ...change } as PpoOptionsInput);
    expect(call).toThrow(expect.objectContaining({ code: 'bad-option' }));
    expect(call).toThrow(new RegExp(`^${name}: `));
  });

  it('takes an optimizer of train, and AdamW where none is given', () => {
    expect(ppoOptions(least).optimizer.name).toBe(adamW().name);
    expect(ppoOptions({ ...least, optimizer: sgd({ momentum: 0.9 }) }).optimizer.name).toBe(
      sgd({ momentum: 0.9 }).name,
    );
    const call = () => ppoOptions({ ...least, optimizer: { name: 'adamw' } } as unknown as PpoOptionsInput);
    expect(call).toThrow(/^optimizer: must be an optimizer/);
  });

  it('is a function of itself: options with the defaults filled in stay as they are', () => {
    const options = ppoOptions({ ...least, advantages: 'grpo', patience: 3 });
    expect(ppoOptions(options)).toEqual(options);
  });
});

describe('the README', () => {
  it('has a row for each option, with its default, where that comes from, and its meaning', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const cells = readme
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    const rows = rowsOf(optionFields);
    expect(rows).toHaveLength(50);
    expect(cells.filter(([name]) => rows.some(([option]) => option === name))).toEqual(rows);
  });
});

const notes = z.object({
  description: z.string(),
  source: z.enum(['paper', 'GRPO paper', 'DAPO paper', 'our choice', 'not known']),
  usual: z.string().optional(),
});

/** Name, default, source and description of each option, as cells of a table. */
function rowsOf(fields: z.ZodObject, prefix = ''): string[][] {
  return Object.entries(fields.shape).flatMap(([name, field]) => {
    const inner = unwrapped(field);
    const path = `${prefix}${name}`;
    const nested = inner instanceof z.ZodObject ? rowsOf(inner, `${path}.`) : [];
    const noted = notes.safeParse(field.meta());
    if (!noted.success) return nested;
    const { description, source, usual } = noted.data;
    const { success, data } = field.safeParse(undefined);
    const shown = usual ?? (success && data !== undefined ? `\`${JSON.stringify(data)}\`` : 'required');
    return [[`\`${path}\``, shown, source, description], ...nested];
  });
}

function unwrapped(field: z.core.$ZodType): z.core.$ZodType {
  return field instanceof z.ZodDefault || field instanceof z.ZodPrefault || field instanceof z.ZodOptional
    ? unwrapped(field.unwrap())
    : field;
}
