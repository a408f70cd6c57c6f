import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadTrainingConfig, readTrainingConfig } from './read-config.js';

const directory = mkdtempSync(join(tmpdir(), 'gram-module-'));
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
function file(text: string, extension = 'ts'): string {
  const path = join(directory, `config-${count++}.${extension}`);
  writeFileSync(path, text);
  return path;
}

const typed = `
interface Part { rate: number }
const part: Part = { rate: 1e-3 };
const epochs = [1, 2].reduce((sum, n) => sum + n);
export default {
  stage: 'finetune' as const,
  data: { path: 'pairs.jsonl' },
  init: { model: './base' },
  maxLength: 128,
  optimizer: { learningRate: part.rate, batchSize: 8, epochs },
  output: 'runs/one',
};
`;

describe('a configuration in TypeScript', () => {
  it('is what the same YAML is, with overrides laid over it', async () => {
    const yaml = file(
      'stage: finetune\ndata: { path: pairs.jsonl }\ninit: { model: ./base }\nmaxLength: 128\n' +
        'optimizer: { learningRate: 1e-3, batchSize: 8, epochs: 3 }\noutput: runs/one\n',
      'yaml',
    );
    const overrides = ['optimizer.batchSize=4'];
    const read = await loadTrainingConfig(file(typed), overrides);
    expect(read).toEqual(readTrainingConfig(yaml, overrides));
    expect(read.optimizer).toMatchObject({ epochs: 3, batchSize: 4 });
    expect(await loadTrainingConfig(yaml)).toEqual(readTrainingConfig(yaml));
  });

  it('may be JavaScript, and name a preset', async () => {
    const text = "export default { preset: 'laptop', stage: 'sft', data: { path: 'd.jsonl' }, output: 'o' };";
    const config = await loadTrainingConfig(file(text, 'mjs'));
    expect(config).toMatchObject({ stage: 'sft', data: { path: join(directory, 'd.jsonl') } });
  });

  it.each([
    ['throws', 'throw new Error("no luck")', /fails: no luck/],
    ['does not parse', 'export default {', /fails: /],
    ['exports a function', 'export default () => 1', /exports something else than plain values/],
    ['exports nothing', 'export const config = 1', /./],
    ['lacks its stage', 'export default { maxLength: 1 }', /stage is missing/],
  ])('that %s is refused in one line', async (_, text, message) => {
    await expect(loadTrainingConfig(file(text))).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(message),
    });
  });

  it('that is not there is refused', async () => {
    await expect(loadTrainingConfig(join(directory, 'none.ts'))).rejects.toMatchObject({
      code: 'bad-config',
    });
  });
});
