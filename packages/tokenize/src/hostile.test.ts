import { createRandom } from '@gram/base';
import { describe, expect, it } from 'vitest';
import { type Model, modelDirectory, modelTokenizer } from './chat/__fixtures__/models.js';
import { loadChatLayout } from './chat/template-layout.js';
import { createPairEncoder } from './encode/pair-encoder.js';
import { judgePrompt } from './prompts/judge-prompt.js';

interface AddedToken {
  readonly id: number;
  readonly content: string;
}

/** Texts of whole added tokens, of their parts, and of what stands around texts in templates. */
function hostileTexts(added: readonly AddedToken[], count: number): string[] {
  const random = createRandom(7, 'hostile', count);
  const parts = [
    ...added.map(({ content }) => content),
    '<|',
    '|>',
    '<',
    '>',
    '\n',
    ' ',
    '"',
    '_',
    'im',
    'é',
    '🙂',
  ];
  const pick = () => {
    const part = parts[random.integer(parts.length)]!;
    const [from, to] = [random.integer(3), random.integer(3)];
    return random.integer(2) === 0 ? part : [...part].slice(from, [...part].length - to).join('');
  };
  return Array.from({ length: count }, () => Array.from({ length: 1 + random.integer(6) }, pick).join(''));
}

describe.each<Model>(['qwen3', 'llama3_1'])('20,000 hostile texts with the tokenizer of %s', (model) => {
  const tokenizer = modelTokenizer(model);
  const added: readonly AddedToken[] = JSON.parse(tokenizer.json).added_tokens;
  const ids = new Set(added.map(({ id }) => id));
  const texts = hostileTexts(added, 20_000);

  it('yield no added token', async () => {
    let spelled = 0;
    for (const text of texts) {
      if ((await tokenizer.encode(text)).some((id) => ids.has(id))) throw new Error(JSON.stringify(text));
      spelled += tokenizer.spellsControl(text) ? 1 : 0;
    }
    // Otherwise nothing would have been tried.
    expect(spelled).toBeGreaterThan(5_000);
    expect(spelled).toBeLessThan(20_000);
  }, 120_000);

  it('add none to those of a judging prompt, and are flagged', async () => {
    const chat = await loadChatLayout(modelDirectory(model), tokenizer);
    const encoder = await createPairEncoder({
      tokenizer,
      chat,
      prompt: judgePrompt('gram-eval-1'),
      maxLength: 100_000,
      overlong: 'error',
    });
    const controls = ({ ids: all }: { ids: readonly number[] }) => all.filter((id) => ids.has(id));
    const own = controls(await encoder.comparison({ prompt: 'x', a: 'y', b: 'z' }));
    expect(own.length).toBeGreaterThan(2);
    for (let at = 0; at + 2 < 3_000; at += 3) {
      const [prompt = '', a = '', b = ''] = texts.slice(at, at + 3);
      const found = await encoder.comparison({ prompt, a, b });
      expect(controls(found), JSON.stringify([prompt, a, b])).toEqual(own);
      expect(found.neutralized).toBe([prompt, a, b].some(tokenizer.spellsControl));
    }
  }, 120_000);
});
