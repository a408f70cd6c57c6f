import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Turn } from '@gram/base';
import { float32, type NDArray } from '@gram/engine';
import { parseConfig, scoreHeadShapes, weightShapes, writeSafetensors } from '@gram/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cutTokenizerJson,
  hasPublishedTokenizers,
  publishedDirectory,
} from './__fixtures__/published-tokenizer.js';
// Made by tools/make-scorer-fixtures.py with Hugging Face transformers.
import fixture from './__fixtures__/scorers.json' with { type: 'json' };
import type { DiscriminativeRewardModel } from './judging/discriminative.js';
import { loadRewardModel } from './judging/load.js';

const conversations: readonly (readonly Turn[])[] = fixture.conversations;

interface Family {
  readonly config: object;
  readonly tokenizer: string;
  readonly rewards: readonly (number | null)[];
}
const families: readonly (readonly [string, Family])[] = Object.entries(fixture.families);

/** Numbers from -1 to 1 that follow from a name and a place, as those of the script do. */
function numbers(name: string, count: number): Float32Array {
  const seed = createHash('sha256').update(name).digest().readUInt32BE(0);
  return Float32Array.from({ length: count }, (_, index) => {
    let x = (Math.imul(index, 0x9e3779b1) + seed) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    const drawn = ((x ^ (x >>> 16)) >>> 8) / 2 ** 23 - 1;
    return name.includes('norm') ? 1 + 0.25 * drawn : name.includes('score') ? 0.25 * drawn : drawn;
  });
}

/** A model directory with the tiny classifier of a family, and the published tokenizer and template. */
async function writeModel({ config: json, tokenizer }: Family): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'gram-scorer-'));
  const config = parseConfig(json, 'config.json');
  const shapes = { ...weightShapes(config), ...scoreHeadShapes(config) };
  const weights: Record<string, NDArray<'float32'>> = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const count = shape.reduce((product, size) => product * size, 1);
    weights[name] = float32(shape, numbers(name, count));
  }
  await writeSafetensors(join(directory, 'model.safetensors'), weights);
  writeFileSync(join(directory, 'config.json'), JSON.stringify(json));
  const settings = join(publishedDirectory(tokenizer), 'tokenizer_config.json');
  copyFileSync(settings, join(directory, 'tokenizer_config.json'));
  const { chat_template: template } = JSON.parse(readFileSync(settings, 'utf8'));
  const texts = [template, ...conversations.flat().flatMap(({ role, content }) => [role, content ?? ''])];
  writeFileSync(join(directory, 'tokenizer.json'), cutTokenizerJson(tokenizer, texts));
  return directory;
}

describe.skipIf(!hasPublishedTokenizers).each(families)(
  'a sequence classifier of %s with its published chat template',
  (_, expected) => {
    let directory: string;
    let model: DiscriminativeRewardModel;
    const items = conversations.flatMap((turns, index) =>
      expected.rewards[index] === null ? [] : [itemOf(turns)],
    );
    const wanted = expected.rewards.filter((reward) => reward !== null);

    beforeAll(async () => {
      directory = await writeModel(expected);
      const loaded = await loadRewardModel(directory);
      if (loaded.kind !== 'discriminative') throw new Error('it is not a classifier');
      model = loaded;
    });
    afterAll(() => {
      model?.dispose();
      rmSync(directory, { recursive: true });
    });

    it('gives the rewards of transformers, alone and in a batch, in the same order', async () => {
      const together = (await model.rewards(items)).map(({ reward }) => reward);
      const alone: number[] = [];
      for (const item of items) alone.push((await model.rewards([item]))[0]!.reward);
      for (const found of [together, alone]) {
        const differences = found.map((reward, index) => Math.abs(reward - wanted[index]!));
        expect(Math.max(...differences)).toBeLessThan(1e-5);
        expect(orderOf(found)).toEqual(orderOf(wanted));
      }
    });

    it('refuses the conversations that the template refuses or shortens', async () => {
      for (const turns of conversations.filter((_, index) => expected.rewards[index] === null)) {
        await expect(model.rewards([itemOf(turns)])).rejects.toMatchObject({
          code: expect.stringMatching(/^template-(refused|unsupported)$/),
        });
      }
    });
  },
);

const itemOf = (turns: readonly Turn[]) => ({ prompt: turns.slice(0, -1), response: turns.slice(-1) });

const orderOf = (rewards: readonly number[]) =>
  rewards.map((_, index) => index).sort((a, b) => rewards[b]! - rewards[a]!);
