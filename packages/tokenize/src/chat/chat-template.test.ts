import type { Turn } from '@gram/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Segment } from '../library.js';
import { ownTemplate } from './__fixtures__/models.js';
import { createChatTemplate } from './chat-template.js';

const chatml = createChatTemplate({ template: ownTemplate('chatml') });
const message = (role: string, content: string): Turn => ({ role, content });
const joined = (segments: readonly Segment[]) => segments.map(({ text }) => text).join('');

describe('a chat template', () => {
  it('is never changed by a text, whatever that is', async () => {
    const parts = [
      '<|im_end|>',
      '<|eot_id|>',
      '<|im_start|>system\n',
      '{{ 7*7 }}',
      '{% endfor %}',
      '{#',
      '{%- raw -%}',
      '0123456789abcdef0123456789abcdef:0',
      '<&"\'\\> \n\n{é}',
      '$&',
      '$1',
      '\n',
      ' ',
      '\0',
      '\ud800',
      'x',
    ];
    const text = fc.array(fc.constantFrom(...parts), { minLength: 1 }).map((chosen) => chosen.join(''));
    const pieces = (await chatml.render([message('user', 'x'), message('assistant', 'x')]))
      .filter(({ trusted }) => trusted)
      .map((segment) => segment.text);
    expect(pieces).toHaveLength(3);
    await fc.assert(
      fc.asyncProperty(text, text, async (question, answer) => {
        const segments = await chatml.render([message('user', question), message('assistant', answer)]);
        expect(segments).toEqual([
          { text: pieces[0], trusted: true },
          { text: question, trusted: false },
          { text: pieces[1], trusted: true },
          { text: answer, trusted: false },
          { text: pieces[2], trusted: true },
        ]);
      }),
    );
  });

  it('is rendered once for the same roles', async () => {
    const template = createChatTemplate({ template: ownTemplate('chatml') });
    await template.render([message('user', 'a')]);
    const start = performance.now();
    const texts = await Promise.all(
      Array.from({ length: 500 }, (_, index) => template.render([message('user', `b${index}`)])),
    );
    // A process for each would take most of a minute.
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(joined(texts[499]!)).toContain('user\nb499<|im_end|>');
    const outlines = [
      await template.outline([message('user', 'a')]),
      await template.outline([message('user', 'b')]),
    ];
    expect(outlines[0]!.pieces).toBe(outlines[1]!.pieces);
    expect(outlines.map(({ texts }) => texts[0]?.value)).toEqual(['a', 'b']);
  });

  it('is rendered alike when many conversations are asked for at once', async () => {
    const template = createChatTemplate({ template: ownTemplate('chatml') });
    const conversations = Array.from({ length: 70 }, (_, index) =>
      Array.from({ length: index + 1 }, (_, turn) => message(turn % 2 ? 'assistant' : 'user', `${turn}`)),
    );
    const texts = await Promise.all(conversations.map((messages) => template.render(messages)));
    for (const [index, segments] of texts.entries()) {
      const turns = joined(segments).match(/(?:user|assistant)\n\d+<\|im_end\|>/g);
      expect(turns).toEqual(
        conversations[index]?.map(({ role, content }) => `${role}\n${content}<|im_end|>`),
      );
    }
  });

  it('sees whether a text is empty, as templates may treat such a message differently', async () => {
    const template = createChatTemplate({
      template: '{% for m in messages %}[{{ m.content if m.content else "nothing" }}]{% endfor %}',
    });
    expect(joined(await template.render([message('user', ''), message('user', 'x')]))).toBe('[nothing][x]');
    expect(joined(await template.render([message('user', 'x'), message('user', '')]))).toBe('[x][nothing]');
  });

  it('may put texts in another order', async () => {
    const template = createChatTemplate({
      template: '{% for m in messages[::-1] %}<{{ m.content }}>{% endfor %}',
    });
    expect(joined(await template.render([message('user', 'a'), message('user', 'b')]))).toBe('<b><a>');
  });

  it('tells a fixed date unless another is given', async () => {
    const template = '{{ strftime_now("%d %b %Y") }} {{ messages[0].content }}';
    const messages = [message('user', 'x')];
    expect(joined(await createChatTemplate({ template }).render(messages))).toBe('26 Jul 2024 x');
    const now = new Date('2031-01-02T23:59:59Z');
    expect(joined(await createChatTemplate({ template, now }).render(messages))).toBe('02 Jan 2031 x');
  });

  it('sees special tokens and variables, of which none can replace the messages', async () => {
    const template = createChatTemplate({
      template: '{{ bos_token }}{{ name }}{{ messages | length }}{{ messages[0].content }}',
      specialTokens: { bos_token: '<s>' },
      variables: { name: 'n', messages: [] },
    });
    expect(joined(await template.render([message('user', 'x')]))).toBe('<s>n1x');
  });
});

describe('names of tools and arguments, and ids of calls', () => {
  const called = (args: Record<string, string>, id = 'call00001'): Turn => ({
    role: 'assistant',
    content: '',
    tool_calls: [{ id, function: { name: 'look', arguments: args } }],
  });
  const render = async (template: string, turn: Turn) =>
    joined(await createChatTemplate({ template }).render([turn]));
  const sorted =
    '{% for name, value in messages[0].tool_calls[0].function.arguments | dictsort %}{{ name }}={{ value }} {% endfor %}';

  it('are sorted as they are, in each conversation', async () => {
    const template = createChatTemplate({
      template: `{{ messages[0].tool_calls[0].function.name }}: ${sorted}`,
    });
    for (const [args, text] of [
      [{ where: 'b', by: 'a' }, 'look: by=a where=b '],
      [{ alpha: 'b', zeta: 'a' }, 'look: alpha=b zeta=a '],
      [{ zeta: 'b', alpha: 'a' }, 'look: alpha=a zeta=b '],
    ] as const) {
      expect(joined(await template.render([called(args)]))).toBe(text);
    }
  });

  it.each([
    ['names whose order depends on case', sorted, { b: 'x', B: 'y' }],
    ['names that are not ASCII', sorted, { \u00e4: 'x', z: 'y' }],
    ['names among words of schemas', sorted, { city: 'x', type: 'y' }],
    [
      'texts',
      '{{ messages[0].tool_calls[0].function.arguments.values() | sort | join }}',
      { a: 'x', b: 'y' },
    ],
  ])('are refused where a template sorts %s', async (_, template, args) => {
    await expect(
      render(`{{ messages[0].tool_calls[0].function.name }}${template}`, called(args)),
    ).rejects.toMatchObject({
      code: 'template-unsupported',
      message: expect.stringMatching(/sorts names or texts|leaves out or changes/),
    });
  });

  it('may have their length checked, and nothing else done to them', async () => {
    const call = 'messages[0].tool_calls[0]';
    const checked = `{{ ${call}.function.name }}{% if ${call}.id | length != 9 %}{{ raise_exception("bad id") }}{% endif %}{{ ${call}.id }}`;
    expect(await render(checked, called({}))).toBe('lookcall00001');
    expect(await render(checked, called({}, 'other-id_'))).toBe('lookother-id_');
    await expect(render(checked, called({}, 'call000012'))).rejects.toMatchObject({
      code: 'template-refused',
    });
    await expect(
      render(`{{ ${call}.function.name }}{{ ${call}.id | upper }}`, called({})),
    ).rejects.toMatchObject({
      code: 'template-unsupported',
    });
    await expect(render(`{{ ${call}.function.name }}{{ ${call}.id[:4] }}`, called({}))).rejects.toMatchObject(
      {
        code: 'template-unsupported',
      },
    );
  });
});

describe('one clear error', () => {
  it('is what a template gives that repeats, drops or changes a text', async () => {
    const cases = [
      ['{{ messages[0].content }}{{ messages[0].content }}', 'repeats the text of message 1 (user)'],
      ['{{ messages[0].role }}', 'leaves out or changes the text of message 1 (user)'],
      ['{{ messages[0].content | upper }}', 'leaves out or changes the text of message 1 (user)'],
      ['{{ messages[0].content | trim | tojson }}', 'leaves out or changes the text of message 1 (user)'],
      ['{{ messages[0].content | length }}', 'leaves out or changes the text of message 1 (user)'],
      ['{{ messages[0].content.strip(" ") }}', 'does more to the text of message 1 (user)'],
    ] as const;
    for (const [template, what] of cases) {
      await expect(createChatTemplate({ template }).render([message('user', 'x')])).rejects.toMatchObject({
        code: 'template-unsupported',
        message: expect.stringContaining(what),
        hint: expect.any(String),
      });
    }
  });

  it('is what roles give that the template does not take, and does not stay', async () => {
    const dated = createChatTemplate({ template: ownTemplate('dated'), specialTokens: { bos_token: '<s>' } });
    await expect(dated.render([message('assistant', 'x')])).rejects.toMatchObject({
      code: 'template-refused',
      message: expect.stringContaining('turns of user and assistant have to alternate'),
    });
    await expect(dated.render([message('assistant', 'x')])).rejects.toMatchObject({
      code: 'template-refused',
    });
    expect(joined(await dated.render([message('user', 'x')]))).toContain('26 Jul 2024');
  });

  it.each([
    [{ role: '<|im_end|>', content: 'x' }, 'message 2 has a role that is not a word'],
    [{ role: '', content: 'x' }, 'message 2 has a role that is not a word'],
    [{ role: 'user\n', content: 'x' }, 'message 2 has a role that is not a word'],
    [{ role: 'user', content: undefined as unknown as string }, 'message 2 has no text as its content'],
  ])('is what %j gives', async (bad, text) => {
    await expect(chatml.render([message('user', 'x'), bad])).rejects.toMatchObject({
      code: 'bad-message',
      message: text,
    });
  });

  it('is what a hostile template gives to every caller that waits', async () => {
    const template = createChatTemplate({ template: '{% for i in range(3000000) %}{{ i }}{% endfor %}' });
    const results = await Promise.allSettled([1, 2, 3].map(() => template.render([message('user', 'x')])));
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'template-limit' } });
  });
});
