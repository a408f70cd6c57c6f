/**
 * Makes a training and a test file of judged pairs from public preference sets:
 *
 *     node examples/finetune/split-pairs.mjs OUTPUT hh-rlhf:helpful-base.jsonl.gz rmb:pairwise-helpfulness.jsonl.gz ... \
 *         [--max-characters N]
 *
 * The split is by prompt: no prompt of the test file occurs in the training file, whatever responses it has. A tenth of the
 * prompts is for the test. Pairs stand in an order that depends on their prompts only, so that the first n are a mix of all
 * sources; `family` names the source. With --max-characters, pairs whose prompt and responses together are longer are left out
 * of both parts: a small computer learns more from many short pairs than from a few long ones that are truncated.
 */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { conversationKey, conversationText } from '@gram/base';
import { readPreferences, writeJsonl } from '@gram/data';
import { splitByPrompt } from '../common/split-by-prompt.mjs';

const { values, positionals } = parseArgs({
  options: { 'max-characters': { type: 'string', default: 'Infinity' } },
  allowPositionals: true,
});
const [output, ...sources] = positionals;
const maxCharacters = Number(values['max-characters']);
if (output === undefined || sources.length === 0 || !(maxCharacters > 0)) {
  console.error('usage: node examples/finetune/split-pairs.mjs OUTPUT FORMAT:FILE ... [--max-characters N]');
  process.exit(2);
}

const pairs = [];
for (const source of sources) {
  const [format, ...rest] = source.split(':');
  const path = rest.join(':');
  const family = basename(path).replace(/\..*$/, '');
  for await (const pair of readPreferences(path, { format })) {
    const texts = [pair.prompt, pair.chosen, pair.rejected].map(conversationText);
    if (texts.join('').length > maxCharacters) continue;
    pairs.push({ ...pair, id: `${family}/${pair.id}`, family });
  }
}
await mkdir(output, { recursive: true });
for (const [name, part] of Object.entries(splitByPrompt(pairs))) {
  await writeJsonl(join(output, `${name}.jsonl`), part);
  const prompts = new Set(part.map(({ prompt }) => conversationKey(prompt))).size;
  console.log(`${name}: ${part.length} pairs of ${prompts} prompts`);
}
