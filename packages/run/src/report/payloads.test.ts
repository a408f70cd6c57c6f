import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { printableLines } from '@gram/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserPage, launchChromium } from '../../../report/src/__fixtures__/chromium.js';
import { findChromium } from '../../../report/src/__fixtures__/find-chromium.js';
import { harmOf, occurrences, payloads } from '../../../report/src/__fixtures__/payloads.js';
import { exampleMetrics, exampleStep } from '../watch/__fixtures__/steps.js';
import { startWatch } from '../watch/watch.js';
import { writeRunReport } from './report-page.js';

const browser = findChromium();
const history = Array.from({ length: 3 }, (_, index) => exampleStep(index + 1, 3));
const WIDTHS = [1100, 360];

describe.skipIf(browser === undefined)('twenty injected texts', { timeout: 120_000 }, () => {
  let folder: string;
  let tab: BrowserPage;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gram-payloads-'));
    tab = await launchChromium(browser!);
  });
  afterAll(async () => {
    await tab.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Opens an address and expects a text on it so often, as text and nothing else. */
  async function expectHarmless(url: string, payload: string, times: number): Promise<void> {
    const seen = printableLines(payload);
    for (const width of WIDTHS) {
      const { text, ...harm } = await harmOf(tab, width);
      expect(harm, payload).toEqual({ ran: false, elements: [], isWide: false });
      expect(occurrences(text, seen), payload).toBeGreaterThanOrEqual(times);
    }
    expect(await tab.evaluate('document.title')).toContain(seen);
    expect(tab.messages).toEqual([]);
    expect([...new Set(tab.requests)].filter((each) => !each.startsWith(url))).toEqual([]);
  }
  const open = async (url: string) => {
    tab.messages.length = 0;
    tab.requests.length = 0;
    await tab.open(url);
  };

  it('would be noticed where they are not escaped', async () => {
    const path = join(folder, 'raw.html');
    await writeFile(path, `<body>${payloads[19]}${payloads[2]}${payloads[9]}`);
    await open(pathToFileURL(path).href);
    await tab.until('window.broken === 1');
    const { ran, elements, isWide } = await harmOf(tab, 360);
    expect({ ran, isWide, elements: elements.length }).toEqual({ ran: true, isWide: true, elements: 2 });
  });

  it('are text on the report of a run: its title, its numbers and its settings', async () => {
    expect(payloads).toHaveLength(20);
    for (const [index, payload] of payloads.entries()) {
      const path = join(folder, `${index}.html`);
      await writeRunReport(path, {
        ...{ title: payload, subtitle: payload, history, metrics: exampleMetrics },
        facts: [[payload, payload]],
        settings: { [payload]: payload, list: [payload] },
      });
      const url = pathToFileURL(path).href;
      await open(url);
      await tab.until(
        `location.href === ${JSON.stringify(url)} && document.querySelectorAll("table").length === 2`,
      );
      await expectHarmless(url, payload, 6);
    }
  });

  it('are text on the page that follows a run: its title, and how it ended', async () => {
    for (const payload of payloads) {
      let url = '';
      const watch = await startWatch({
        ...{ title: payload, total: 3, metrics: exampleMetrics, history },
        onUrl: (given) => {
          url = given;
        },
      });
      try {
        await open(url);
        await tab.until(
          `location.origin === "${new URL(url).origin}" && document.querySelectorAll("#charts svg").length > 0`,
        );
        watch.end(payload);
        await tab.until('document.getElementById("state").textContent.startsWith("Ended")');
        // In the heading; the end is set as text too.
        const ended = await tab.evaluate<string>('document.getElementById("state").textContent');
        expect(ended).toBe(`Ended: ${printableLines(payload)}`);
        await expectHarmless(url, payload, 2);
      } finally {
        await watch.close();
      }
    }
  });
});
