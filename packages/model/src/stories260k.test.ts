import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readLlama2c, readLlama2cDecoder } from './__fixtures__/llama2c.js';
import { parameterCount } from './config/weight-shapes.js';
import { createGenerator } from './generation/generator.js';

const at = (file: string) =>
  fileURLToPath(new URL(`../../../../shared/data/models/stories260K/${file}`, import.meta.url));
const BOS = 1;

// The start of what llama2.c prints at temperature 0:
// https://github.com/karpathy/llama2.c/blob/master/doc/stories260K.md
const STORY = `\
Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, \
she saw a big, red ball. She wanted to play with it, but it was too high.
Lily's mom said, "Lily, let's go to the park." Lily was sad and didn't know what to do.`;

// The checkpoint lies beside the repository, where there is one.
describe.skipIf(!existsSync(at('stories260K.bin')))('stories260K, a model of llama2.c', () => {
  // Here and not at the top, because a suite that is skipped is still read.
  let model: ReturnType<typeof readLlama2c>;
  let decode: ReturnType<typeof readLlama2cDecoder>;
  beforeAll(() => {
    model = readLlama2c(at('stories260K.bin'));
    decode = readLlama2cDecoder(at('tok512.bin'));
  });

  it.each([false, true])(
    'tells the story that llama2.c tells, with fixed weights: %s',
    async (fixedWeights) => {
      expect(parameterCount(model.config)).toBe(260_032);
      const generator = createGenerator({ ...model, fixedWeights });
      const [completions] = await generator.generate([{ ids: [BOS], decodings: [{ temperature: 0 }] }], {
        maxNewTokens: 256,
        stopIds: [BOS],
        stopText: { strings: [STORY], decode },
      });
      generator.dispose();
      const { ids, finished } = completions![0]!;
      expect(decode(ids)).toBe(STORY);
      expect(finished).toBe('stop');
    },
  );
});
