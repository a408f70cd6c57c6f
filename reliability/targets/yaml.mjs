import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTrainingConfig, readTrainingConfig } from '@gram/train';
import { mutateBytes, mutateText } from '../mutate.mjs';

const originals = [
  `stage: finetune
data:
  path: pairs.jsonl
  format: preference
init:
  model: models/base
output: runs/one
maxLength: 512
optimizer:
  epochs: 2
  learningRate: 1.0e-4
  batchSize: 8
validation:
  path: more.jsonl
`,
  `stage: sft # the first
preset: tiny
data: { path: 'a b.jsonl', format: demonstration }
init: &base
  model: owner/name
seed: 7
output: "runs/\\u0031"
`,
];

export const yaml = {
  name: 'yaml',
  title: 'YAML configurations',
  async open(folder) {
    const path = join(folder, 'run.yaml');
    const describe = (bytes) => {
      writeFileSync(path, bytes);
      return formatTrainingConfig(readTrainingConfig(path));
    };
    return {
      // Of the two only the first is a whole configuration.
      answer: attempt(() => describe(originals[0])),
      mutate(random) {
        const original = random.pick(originals);
        let text = original;
        for (let times = random.integer(3); times > 0; times--) text = mutateText(random, text);
        return random.integer(2) ? Buffer.from(text) : mutateBytes(random, Buffer.from(text));
      },
      read: describe,
      // What was understood, written out and read again, is the same.
      unexplained: (_, answer) => {
        const again = attempt(() => describe(answer));
        return again === answer ? undefined : `read again: ${again}`;
      },
    };
  },
};

function attempt(work) {
  try {
    return work();
  } catch (error) {
    return String(error);
  }
}
