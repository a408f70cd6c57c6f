import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initAdapter, loadAdapter, saveAdapter } from '@gram/model';
import { mutateJsonText } from '../mutate.mjs';
import { mutateFile, plainly } from './safetensors.mjs';
import { config, describeArrays, drawn, weights } from './tiny.mjs';

export const adapter = {
  name: 'adapter',
  title: 'adapters (PEFT)',
  async open(folder) {
    const dir = join(folder, 'adapter');
    const lora = { rank: 2, alpha: 4, dropout: 0, targets: ['q_proj', 'v_proj'] };
    await saveAdapter(dir, { lora, weights: initAdapter(config, lora, weights, drawn()) }, config, {
      baseModel: 'models/base',
    });
    const files = ['adapter_config.json', 'adapter_model.safetensors'].map((name) => join(dir, name));
    const [json, arrays] = files.map((path) => readFileSync(path));
    const describe = async () => {
      const found = await loadAdapter(dir, config);
      return `${JSON.stringify(found.lora)}\n${describeArrays(found.weights)}`;
    };
    const answer = await describe();
    return {
      answer,
      mutate(random) {
        const isConfig = random.integer(2) === 0;
        return {
          isConfig,
          bytes: isConfig ? mutateJsonText(random, JSON.parse(json)) : mutateFile(random, arrays),
        };
      },
      async read({ isConfig, bytes }) {
        writeFileSync(files[0], isConfig ? bytes : json);
        writeFileSync(files[1], isConfig ? arrays : bytes);
        return describe();
      },
      unexplained({ isConfig, bytes }, found) {
        const [head, ...rest] = found.split('\n');
        const [own, ...stored] = answer.split('\n');
        if (isConfig) {
          const same = JSON.stringify(JSON.parse(bytes)) === JSON.stringify(JSON.parse(json));
          return same || rest.join() !== stored.join() ? found : undefined;
        }
        const plain = Object.entries(plainly(bytes)).map(([name, array]) => [
          name.replace('base_model.model.', ''),
          array,
        ]);
        const expected = describeArrays(Object.fromEntries(plain)).split('\n').sort().join();
        return head === own && rest.sort().join() === expected ? undefined : found;
      },
    };
  },
};
