import type { Comparator, Judge } from '@gram/ranking';
import { afterEach, describe, expect, it } from 'vitest';
import { payloads } from '../../../report/src/__fixtures__/payloads.js';
import { noBrowser, useBrowser } from '../../../report/src/__fixtures__/use-browser.js';
import { quickModel, scoringModel, verdictOf } from '../__fixtures__/models.js';
import { createRewardServer, type RewardServer, type ServerOptions } from '../index.js';

const hostile = '<img src=x onerror="document.title=1"><script>document.title="broken"</script>';

describe.skipIf(noBrowser)('the page for ranking in a browser', () => {
  const { tab, visit, picture } = useBrowser();
  let server: RewardServer | undefined;
  afterEach(() => server?.close(0));

  async function open(options: ServerOptions = {}, model: Judge = quickModel): Promise<string> {
    server = createRewardServer(model, { apiKey: '', ...options });
    const url = await server.listen();
    await visit(url, 'document.querySelectorAll("textarea").length === 3');
    return url;
  }
  const text = (selector: string) =>
    tab.evaluate<string>(`document.querySelector('${selector}').textContent`);
  const texts = (selector: string) =>
    tab.evaluate<string[]>(`[...document.querySelectorAll('${selector}')].map((each) => each.textContent)`);
  const focused = () =>
    tab.evaluate<string>(
      '(document.activeElement.labels?.[0] ?? document.activeElement).textContent || document.activeElement.id',
    );
  /** Fills the fields as a reader with a keyboard does, from the top of the page. */
  async function fill(prompt: string, responses: readonly string[]): Promise<void> {
    await tab.press('Tab');
    expect(await focused()).toBe('Prompt');
    await tab.type(prompt);
    for (const [index, response] of responses.entries()) {
      if (index >= 2) {
        // Past "Rank", to "Add a response", which moves on to the new field.
        for (const name of ['Rank', 'Add a response']) {
          for (let tabs = 0; (await focused()) !== name && tabs < 4; tabs++) await tab.press('Tab');
          expect(await focused()).toBe(name);
        }
        await tab.press('Enter');
      } else {
        await tab.press('Tab');
      }
      expect(await focused()).toBe(`Response ${'ABC'[index]}`);
      await tab.type(response);
    }
  }

  it('ranks by keyboard alone, shows both orders, and takes all text as text', async () => {
    await tab.look('light', 1100);
    await open();
    await fill('Explain why the sky is blue, in one sentence.', [
      'Because of Rayleigh scattering: air scatters short wavelengths of sunlight far more than long ones.',
      'It reflects the sea.',
    ]);
    await picture('serve-form');
    await tab.press('Tab');
    expect(await focused()).toBe('Rank');
    await tab.press('Tab');
    await tab.press('Enter');
    expect(await focused()).toBe('Response C');
    await tab.type(hostile);
    for (let tabs = 0; (await focused()) !== 'Rank' && tabs < 4; tabs++) await tab.press('Tab');
    await tab.press('Enter');
    await tab.until('document.getElementById("state").textContent.startsWith("Ranked")');
    expect(await texts('#order li p')).toEqual([
      'Because of Rayleigh scattering: air scatters short wavelengths of sunlight far more than long ones.',
      hostile,
      'It reflects the sea.',
    ]);
    expect(await text('#order .value')).toMatch(/^\d\d\.\d %response A$/);
    expect(await texts('#pairs th')).toEqual(['A over B', 'A over C', 'B over C']);
    const rows = await texts('#pairs tr');
    for (const row of rows) expect(row).toMatch(/^. over .(\d+\.\d %){3}(agree|disagree)$/);
    await picture('serve-light');
    expect(tab.messages).toEqual([]);
    expect(await tab.evaluate('document.title')).toBe('Rank responses');
    expect(await tab.evaluate('document.querySelectorAll("img, script").length')).toBe(1);
    expect(tab.requests.map((request) => new URL(request).pathname)).toEqual(['/', '/v1/rank']);
  });

  it('marks pairs whose order decides, in the dark and on a phone', async () => {
    await tab.look('dark', 1100);
    await open();
    await fill('Which is it?', [
      'this one',
      'that one',
      'certainly neither of the two, as far as anybody can tell',
    ]);
    for (let tabs = 0; (await focused()) !== 'Rank' && tabs < 4; tabs++) await tab.press('Tab');
    await tab.press('Enter');
    await tab.until('document.getElementById("state").textContent.startsWith("Ranked")');
    expect(await text('#summary')).toBe(
      'In 1 of 3 pairs the preferred response depends on which one is shown first.',
    );
    expect(await texts('#pairs tr.apart th')).toEqual(['A over B']);
    expect(await tab.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(18, 22, 27)');
    await picture('serve-dark');
    await tab.look('dark', 390);
    expect(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await picture('serve-phone');
    await tab.look('light', 390);
    await picture('serve-phone-light');
  });

  it.each(['Control', 'Meta'] as const)('ranks with %s and Enter from within a field', async (held) => {
    await tab.look('light', 1100);
    await open();
    await fill('x', ['one', 'three']);
    await tab.press('Enter', held);
    await tab.until('document.getElementById("state").textContent.startsWith("Ranked")');
    expect(await texts('#order li p')).toEqual(['three', 'one']);
    expect(await tab.evaluate('document.activeElement.value')).toBe('three');
  });

  it('does not say that orders agree where one was judged', async () => {
    const oneOrder: Comparator = {
      compare: async (items) =>
        items.map((item) => ({ ...verdictOf(item), orders: undefined, consistent: true })),
    };
    await open({}, oneOrder);
    await fill('x', ['one', 'three']);
    await tab.press('Enter', 'Control');
    await tab.until('document.getElementById("state").textContent.startsWith("Ranked")');
    expect(await texts('#pairs td')).toEqual(['', '', expect.stringMatching(/ %$/), 'not asked']);
    expect(await text('#summary')).toBe('No pair was judged in both orders.');
  });

  it('names the model and its limits, and fills in an example that can be ranked', async () => {
    await tab.look('light', 1100);
    await open({ name: '<b>judge</b>', deadlineMs: 5000, limits: { comparisons: 6, textLength: 1234 } });
    expect(await text('#model')).toBe('<b>judge</b>');
    expect(await texts('form > .note')).toEqual([
      '2 to 4 responses; up to 1,234 characters in each text; up to 5 s for a ranking.',
    ]);
    await tab.evaluate('document.getElementById("example").click()');
    expect(await focused()).toBe('Rank');
    await tab.press('Enter');
    await tab.until('document.getElementById("state").textContent.startsWith("Ranked")');
    expect(await texts('#order li p')).toHaveLength(3);
    await tab.evaluate('document.getElementById("add").click()');
    expect(await tab.evaluate('document.getElementById("add").disabled')).toBe(true);
  });

  it('gives equal scores one rank', async () => {
    const tie: Comparator = {
      compare: async (items) =>
        items.map((item) => ({
          ...verdictOf(item),
          probability: item.a === 'worst' ? 0 : item.b === 'worst' ? 1 : 0.5,
        })),
    };
    await open({}, tie);
    await fill('x', ['one', 'worst', 'two']);
    await tab.press('Enter', 'Control');
    await tab.until('document.getElementById("state").textContent.startsWith("Ranked")');
    expect(await texts('#order li p')).toEqual(['one', 'two', 'worst']);
    const places = '[...document.querySelectorAll("#order li")].map((item) => item.dataset.place)';
    expect(await tab.evaluate(places)).toEqual(['1.', '1.', '3.']);
  });

  it('calls responses by their letters where the server says what is wrong with one', async () => {
    const picky: Comparator = {
      compare: async (items) => {
        throw Object.assign(new Error(`${items[1]?.id}: the texts need 900 tokens`), { code: 'too-long' });
      },
    };
    await open({}, picky);
    await fill('x', ['one', 'two', 'three']);
    await tab.press('Enter', 'Control');
    await tab.until('document.getElementById("state").textContent.startsWith("Not ranked")');
    expect(await text('#state')).toBe(
      'Not ranked: responses A and C: the texts need 900 tokens; shorten the texts',
    );
  });

  it.each(payloads)('shows %j as text, whole, and runs nothing', async (payload) => {
    await open({ name: payload });
    await tab.evaluate(`(() => {
      const [prompt, a, b] = document.querySelectorAll('textarea');
      prompt.value = ${JSON.stringify(payload)};
      a.value = ${JSON.stringify(payload)};
      b.value = 'plain';
      document.getElementById('rank').click();
    })()`);
    await tab.until('document.getElementById("state").textContent.startsWith("Ranked")');
    const seen = payload.replace(/[\p{Cc}\p{Cf}]/gu, (character) => {
      return `\u2039U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}\u203a`;
    });
    expect((await texts('#order li p:first-child')).sort()).toEqual([seen, 'plain'].sort());
    expect(await text('#model')).toBe(seen);
    expect(await tab.evaluate('document.title')).toBe('Rank responses');
    expect(await tab.evaluate('typeof window.broken')).toBe('undefined');
    expect(await tab.evaluate('document.querySelectorAll("img, iframe, svg, object, script").length')).toBe(
      1,
    );
    expect(tab.messages).toEqual([]);
    expect(tab.requests.map((request) => new URL(request).pathname)).toEqual(['/', '/v1/rank']);
    // Nothing is hidden: the text has a size, lies within the window, and nothing lies over it.
    const isVisible = `[...document.querySelectorAll('#order li p:first-child, #model')].every((each) => {
      each.scrollIntoView({ block: 'start' });
      const { left, top, right, width, height } = each.getClientRects()[0];
      const over = document.elementFromPoint(left + Math.min(3, width / 2), top + Math.min(8, height / 2));
      return width > 0 && height > 0 && right <= innerWidth && each.contains(over);
    })`;
    expect(await tab.evaluate(isVisible)).toBe(true);
    expect(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });

  it('flags responses that were cut or escaped, and says what gives a score alone', async () => {
    const flagged: Judge = {
      ...scoringModel,
      rewards: async (items) =>
        (await scoringModel.rewards(items)).map((each, at) => ({
          ...each,
          truncated: at === 0,
          neutralized: at === 1,
        })),
    };
    await open({}, flagged);
    await fill('x', ['longest', 'long', 'x']);
    await tab.press('Enter', 'Control');
    await tab.until('document.getElementById("state").textContent.startsWith("Ranked")');
    expect(await texts('#order .flag')).toEqual([
      'Text was cut to fit the model.',
      'Text that poses as a part of the prompt was escaped.',
    ]);
    expect(await text('#summary')).toBe(
      'The model gives each response a score of its own; no pair was compared.' +
        ' Some text was cut to fit the model. Some text that poses as a part of the prompt was escaped.',
    );
    expect(await tab.evaluate('document.querySelector("#result .table").checkVisibility()')).toBe(false);
  });

  it('removes responses, and keeps two', async () => {
    await open();
    await fill('x', ['one', 'two', 'three']);
    expect(await tab.evaluate('document.querySelectorAll("#responses button:not([hidden])").length')).toBe(3);
    await tab.evaluate('document.querySelector("#responses button").click()');
    expect(await focused()).toBe('Response A');
    expect(await tab.evaluate('document.activeElement.value')).toBe('two');
    expect(await tab.evaluate('document.querySelectorAll("#responses button:not([hidden])").length')).toBe(0);
  });

  it('asks for the key where one is needed, and says what went wrong', async () => {
    const url = await open({ apiKey: 'open sesame', name: 'judge' });
    await tab.press('Tab');
    expect(await focused()).toBe('API key');
    await tab.type('wrong');
    await fill('x', ['1', '22']);
    await tab.press('Tab');
    await tab.press('Enter');
    await tab.until('document.getElementById("state").textContent.startsWith("Not ranked")');
    expect(await text('#state')).toBe(
      'Not ranked: the API key is wrong; send the header Authorization: Bearer KEY',
    );
    await tab.evaluate('document.getElementById("key").value = "open sesame"');
    await tab.evaluate('document.getElementById("rank").click()');
    await tab.until('document.getElementById("state").textContent.startsWith("Ranked")');
    expect(tab.requests.every((request) => request.startsWith(url))).toBe(true);
  });
});
