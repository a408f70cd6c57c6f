import { afterEach, describe, expect, it } from 'vitest';
import { noBrowser, useBrowser } from '../../../report/src/__fixtures__/use-browser.js';
import { exampleStep, exampleMetrics as metrics } from './__fixtures__/steps.js';
import { startWatch, type Watch } from './watch.js';

describe.skipIf(noBrowser)('the page of a run in a browser', () => {
  const { tab, visit, picture } = useBrowser();
  let watch: Watch | undefined;
  let url = '';
  afterEach(async () => {
    await watch?.close();
    watch = undefined;
  });

  const start = async (done: number, total: number, port = 0) => {
    const title = 'preference <b>"runs/one"</b>';
    const history = Array.from({ length: done }, (_, index) => exampleStep(index + 1, total));
    watch = await startWatch({ title, total, metrics, history, port, onUrl: (given) => (url = given) });
    return watch;
  };
  const text = (id: string) => tab.evaluate<string>(`document.getElementById('${id}').textContent`);
  const facts =
    '[...document.querySelectorAll("#facts div")].map((pair) => pair.innerText.replace("\\n", ": "))';

  it('shows a run from its first step to its end, with nothing refused by its policy', async () => {
    await tab.look('light', 1100);
    const { record, end } = await start(0, 400);
    await visit(url, 'document.getElementById("state").textContent === "Running"');
    expect(await tab.evaluate('document.querySelector("h1").textContent')).toBe(
      'preference <b>"runs/one"</b>',
    );
    await picture('start');
    for (let step = 1; step <= 120; step++) record(exampleStep(step, 400));
    await tab.until('document.querySelectorAll("#charts svg").length === 5');
    await tab.until('document.title.startsWith("30% – ")');
    expect(await text('steps')).toBe('Step 120 of 400');
    expect(await tab.evaluate(facts)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Loss: 0\.\d+$/),
        expect.stringMatching(/^Memory: 1\.25 GiB$/),
      ]),
    );
    const drawn = 'document.getElementById("charts").innerHTML.length';
    const before = await tab.evaluate<number>(drawn);
    for (let step = 121; step <= 200; step++) record(exampleStep(step, 400));
    await tab.until(`${drawn} > ${before} + 1000`);
    await picture('half-light');
    end('stopped <i>by hand</i>');
    await tab.until('document.getElementById("state").textContent.startsWith("Ended")');
    expect(await text('state')).toBe('Ended: stopped <i>by hand</i>');
    await watch!.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await text('state')).toBe('Ended: stopped <i>by hand</i>');
    expect(await tab.evaluate('document.querySelectorAll("#charts svg").length')).toBe(5);
    expect(tab.messages).toEqual([]);
    expect(tab.requests.map((request) => new URL(request).pathname)).toEqual(['/', '/events']);
  });

  it('is used by keyboard: pause, go on, and read the values of a step', async () => {
    const { record } = await start(60, 400);
    await tab.open(url);
    await tab.until('document.querySelectorAll("#charts svg").length === 5');
    const focused = () => tab.evaluate<string>('document.activeElement.id');
    await tab.press('Tab');
    expect(await focused()).toBe('pause');
    await tab.press('Enter');
    expect(await text('pause')).toBe('Go on');
    record(exampleStep(61, 400));
    await tab.until('document.title.startsWith("15%")');
    await new Promise((resolve) => setTimeout(resolve, 1300));
    expect(await text('steps')).toBe('Step 60 of 400');
    await tab.press(' ');
    await tab.until('document.getElementById("steps").textContent === "Step 61 of 400"');
    expect(await focused()).toBe('pause');
    await tab.press('Tab');
    expect(await focused()).toBe('reader');
    expect(await text('values')).toMatch(/^Step 61: loss 0\.\d+, accuracy 0\.\d+, gradient norm/);
    await tab.press('ArrowLeft');
    await tab.press('ArrowLeft');
    expect(await text('values')).toMatch(/^Step 59: /);
    // It stays where it was put, also under the hand of a reader, and follows the run again from its end.
    for (let step = 62; step <= 80; step++) record(exampleStep(step, 400));
    await tab.until('document.getElementById("steps").textContent === "Step 80 of 400"');
    expect(await text('values')).toMatch(/^Step 59: /);
    await picture('keyboard');
    await tab.press('End');
    record(exampleStep(81, 400));
    await tab.until('document.getElementById("values").textContent.startsWith("Step 81: ")');
    expect(await tab.evaluate('document.getElementById("reader").getAttribute("aria-valuetext")')).toMatch(
      /^Step 81/,
    );
    expect(await focused()).toBe('reader');
  });

  it('is dark where the reader wants it, and fits a phone, with 100,000 steps', async () => {
    const { record } = await start(100_000, 120_000);
    await tab.look('dark', 1100);
    await tab.open(url);
    await tab.until('document.querySelectorAll("#charts svg").length === 5');
    record(exampleStep(100_001, 120_000));
    const colors =
      'JSON.stringify([getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color])';
    expect(await tab.evaluate(colors)).toBe('["rgb(18, 22, 27)","rgb(230, 234, 238)"]');
    await picture('long-dark');
    await tab.look('dark', 360);
    expect(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await picture('phone-dark');
  });

  it('comes back after the server was away, and loads the page of another run', async () => {
    await tab.look('light', 1100);
    await start(10, 20);
    const { port } = new URL(url);
    await tab.open(url);
    await tab.until('document.title.startsWith("50%")');
    await watch!.close();
    await tab.until('document.getElementById("state").textContent.includes("lost")');
    await picture('lost');
    await tab.evaluate('window.old = true');
    await start(5, 20, Number(port));
    await tab.until('window.old === undefined && document.title.startsWith("25%")');
    expect(await text('state')).toBe('Running');
  });
});
