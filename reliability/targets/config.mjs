import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configToJson, inspectModel, saveModel } from '@gram/model';
import { mutateJsonText } from '../mutate.mjs';
import { config, weights } from './tiny.mjs';

export const configFile = {
  name: 'config',
  title: 'config.json and gram.json',
  async open(folder) {
    const dir = join(folder, 'model');
    mkdirSync(folder, { recursive: true });
    const gram = { format: 1, kind: 'policy', chat: 'gram-plain-1', maxLength: 512 };
    await saveModel(dir, { config, weights, gram });
    const originals = { 'config.json': configToJson(config), 'gram.json': gram };
    const write = (name, bytes) => writeFileSync(join(dir, name), bytes);
    const describe = async () => JSON.stringify(await inspectModel(dir));
    return {
      answer: await describe(),
      mutate(random) {
        const name = random.integer(3) ? 'config.json' : 'gram.json';
        return { name, bytes: mutateJsonText(random, originals[name]) };
      },
      async read({ name, bytes }) {
        for (const [each, original] of Object.entries(originals)) write(each, JSON.stringify(original));
        write(name, bytes);
        return describe();
      },
      // Another configuration that fits the weights is another model. The same one must read the same.
      unexplained({ name, bytes }, answer) {
        const isSame = JSON.stringify(JSON.parse(bytes.toString())) === JSON.stringify(originals[name]);
        return isSame ? answer : undefined;
      },
    };
  },
};
