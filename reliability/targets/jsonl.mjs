import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readDemonstrations, readPreferences } from '@gram/data';
import { mutateBytes, mutateJson } from '../mutate.mjs';
import { pairs } from './tiny.mjs';

const answers = pairs.map(({ id, prompt, chosen }) => ({ id, prompt, response: chosen }));
const kinds = [
  { name: 'pairs', records: pairs, read: (path) => readPreferences(path, 'preference') },
  { name: 'demonstrations', records: answers, read: (path) => readDemonstrations(path, 'demonstration') },
];

export const jsonl = {
  name: 'jsonl',
  title: 'JSONL, plain and compressed',
  async open(folder) {
    let chosen = kinds[0];
    const describe = async (kind, path) => {
      const found = [];
      for await (const record of kind.read(path)) found.push(JSON.stringify(record));
      return found.join('\n');
    };
    for (const kind of kinds) {
      kind.lines = kind.records.map((record) => JSON.stringify(record));
      const path = join(folder, `${kind.name}.jsonl`);
      writeFileSync(path, `${kind.lines.join('\n')}\n`);
      kind.answer = await describe(kind, path);
    }
    return {
      get answer() {
        return chosen.answer;
      },
      mutate(random) {
        chosen = random.pick(kinds);
        const lines = [...chosen.lines];
        const at = random.integer(lines.length);
        const isJson = random.integer(2) === 0;
        if (isJson) lines[at] = JSON.stringify(mutateJson(random, chosen.records[at]));
        const plain = Buffer.from(`${lines.join(random.pick(['\n', '\n', '\r\n']))}\n`);
        const isZipped = random.integer(5) === 0;
        const written = isZipped ? gzipSync(plain) : plain;
        const bytes = isJson ? written : mutateBytes(random, written);
        return {
          kind: chosen,
          lines: isJson ? lines : undefined,
          at,
          bytes,
          ending: isZipped ? '.jsonl.gz' : '.jsonl',
        };
      },
      read({ kind, bytes, ending }) {
        const path = join(folder, `mutated${ending}`);
        writeFileSync(path, bytes);
        return describe(kind, path);
      },
      // All records but the one that was changed are read as before.
      unexplained({ kind, lines, at }, answer) {
        if (lines === undefined) return undefined;
        const others = kind.answer.split('\n').filter((_, index) => index !== at);
        const found = new Set(answer.split('\n'));
        const lost = others.find((record) => !found.has(record));
        return lost === undefined ? undefined : `lost ${lost}`;
      },
    };
  },
};
