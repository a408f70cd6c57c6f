import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { printableLines } from '@gram/base';
import { summarizeBenchmark } from '@gram/reward';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserPage, launchChromium } from '../../../report/src/__fixtures__/chromium.js';
import { findChromium } from '../../../report/src/__fixtures__/find-chromium.js';
import { harmOf, occurrences, payloads } from '../../../report/src/__fixtures__/payloads.js';
import { benchmarkPage } from './benchmark-report.js';

const browser = findChromium();

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

  it('are text on the page of a benchmark: the name of the model and of a subset', async () => {
    expect(payloads).toHaveLength(20);
    for (const [index, payload] of payloads.entries()) {
      const summary = summarizeBenchmark('llmbar', [
        {
          ...{ id: payload, subset: payload, preferred: 'first', correct: 1, lengths: [3, 4] },
          comparisons: [{ pair: [0, 1], probability: 0.7, orders: [0.7, 0.7], consistent: true }],
          ...{ truncated: false, neutralized: false },
        },
      ]);
      const path = join(folder, `${index}.html`);
      await writeFile(path, benchmarkPage(summary, payload));
      const url = pathToFileURL(path).href;
      tab.messages.length = 0;
      tab.requests.length = 0;
      await tab.open(url);
      await tab.until(
        `location.href === ${JSON.stringify(url)} && document.querySelectorAll("table").length > 0`,
      );
      for (const width of [1100, 360]) {
        const { text, ...harm } = await harmOf(tab, width);
        expect(harm, payload).toEqual({ ran: false, elements: [], isWide: false });
        expect(occurrences(text, printableLines(payload)), payload).toBeGreaterThanOrEqual(2);
      }
      expect(tab.messages).toEqual([]);
      expect(tab.requests).toEqual([url]);
    }
  });
});
