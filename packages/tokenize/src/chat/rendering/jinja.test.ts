import { describe, expect, it } from 'vitest';
import { TokenizeError } from '../../error.js';
import { type JinjaJob, renderJinja } from './jinja.js';

const now = new Date('2024-07-26T15:04:05Z');
const render = (template: string, variables: JinjaJob['contexts'][number] = {}, milliseconds?: number) =>
  renderJinja({ template, contexts: [variables], now, milliseconds }).then(([result]) => {
    if (result instanceof TokenizeError) throw result;
    return result;
  });

describe('renderJinja', () => {
  it('gives one text for each context', async () => {
    const contexts: JinjaJob['contexts'] = [{ x: 1 }, { x: 'two' }, {}];
    expect(await renderJinja({ template: '<{{ x }}>', contexts, now })).toEqual(['<1>', '<two>', '<>']);
  });

  it('gives an error for one context and texts for the others', async () => {
    const contexts: JinjaJob['contexts'] = [{ x: 1 }, { x: 2 }, { x: 3 }];
    const template =
      '{% if x == 2 %}{{ raise_exception("two") }}{% elif x == 3 %}{{ x() }}{% endif %}{{ x }}';
    expect(await renderJinja({ template, contexts, now })).toEqual([
      '1',
      expect.objectContaining({ code: 'template-refused' }),
      expect.objectContaining({ code: 'template-broken' }),
    ]);
  });

  it('drops the newline after a block and the indent before it, as transformers asks for', async () => {
    const template = '{% for m in messages %}\n  {% if m %}\n{{ m }}\n  {% endif %}\n{% endfor %}\n';
    expect(await render(template, { messages: ['a', 'b'] })).toBe('a\nb\n');
  });

  it('strips what it is told to, and by default what Python takes for white space', async () => {
    const text = '\n\t x\u0085\n\n';
    expect(await render("{{ t.lstrip('\n') }}|{{ t.rstrip('\n') }}|{{ t.strip() }}", { t: text })).toBe(
      `\t x\u0085\n\n|\n\t x\u0085|x`,
    );
    expect(await render('{{ t.strip() }}', { t: '\ufeffx\u001f' })).toBe('\ufeffx');
  });

  it('tells the given time, in UTC and English', async () => {
    const format = '%Y %y %m %d %H %I %p %M %S %B %b %A %a %%';
    expect(await render(`{{ strftime_now("${format}") }}`)).toBe(
      '2024 24 07 26 15 03 PM 04 05 July Jul Friday Fri %',
    );
    await expect(render('{{ strftime_now("%Q") }}')).rejects.toMatchObject({ code: 'template-broken' });
  });

  it('passes on what a template raises', async () => {
    await expect(render('{{ raise_exception("roles\nmust alternate") }}')).rejects.toMatchObject({
      code: 'template-refused',
      message: 'the chat template does not take this conversation: roles must alternate',
    });
  });

  it.each([['{% if %}'], ['{{ 1 | no_such_filter }}'], ['{{ x() }}'], ['{% for'], ['{{ "']])(
    'refuses %s',
    async (template) => {
      await expect(render(template)).rejects.toMatchObject({
        code: 'template-broken',
        hint: expect.any(String),
      });
    },
  );

  it('lets a template reach nothing but its variables', async () => {
    const reach = ['process', 'require', 'globalThis', 'x.constructor', 'x.__proto__', "x['constructor']"];
    const template = reach.map((name) => `{{ ${name} is defined }} `).join('');
    expect(await render(template, { x: 'a' })).toBe('false '.repeat(reach.length));
  });
});

// Each of these keeps the library busy for seconds to hours, fills the memory, or overflows its stack.
const deep = 20_000;
const attacks: readonly (readonly [string, string])[] = [
  ['a long range', '{% for i in range(3000000) %}{{ i }}{% endfor %}'],
  ['nested loops', '{% for i in range(3000) %}{% for j in range(1000) %}{{ j }}{% endfor %}{% endfor %}'],
  ['loops that print nothing', `${'{% for i in range(99999) %}'.repeat(4)}${'{% endfor %}'.repeat(4)}`],
  ['nested parentheses', `{{ ${'('.repeat(deep)}1${')'.repeat(deep)} }}`],
  ['nested lists', `{{ ${'['.repeat(deep)}${']'.repeat(deep)} }}`],
  ['nested blocks', `${'{% if 1 %}'.repeat(4_500)}${'{% endif %}'.repeat(4_500)}`],
  ['a macro that calls itself', '{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}'],
  [
    'string doubling',
    `{% set ns = namespace(s="xxxxxxxx") %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}`,
  ],
  [
    'string doubling that is read',
    `{% set ns = namespace(s="xxxxxxxx") %}{% for i in range(60) %}{% set ns.s = (ns.s ~ ns.s).replace("x", "xx") %}{% endfor %}{{ ns.s }}`,
  ],
  [
    'list doubling',
    '{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}',
  ],
  [
    'many lists',
    '{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = ns.l + [range(99999)] %}{% endfor %}',
  ],
  ['a long output', '{% for i in range(99999) %}{{ "0123456789abcdef" }}{% endfor %}'],
  ['white space before a tag', `${' '.repeat(99_000)}x`],
  ['a long template', 'x'.repeat(100_001)],
];

describe('a hostile template', () => {
  it.each(attacks)('with %s ends in one error', async (_, template) => {
    const start = performance.now();
    await expect(render(template, {}, 1_500)).rejects.toMatchObject({
      name: 'TokenizeError',
      code: 'template-limit',
      message: expect.stringMatching(/^the chat template goes beyond a limit: \P{Cc}{5,400}$/u),
    });
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});
