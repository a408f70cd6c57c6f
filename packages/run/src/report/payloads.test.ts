import { printableLines } from '@gram/base';
import { describe, expect, it } from 'vitest';
import { harmOf, payloads } from '../../../report/src/__fixtures__/payloads.js';
import { noBrowser, useBrowser } from '../../../report/src/__fixtures__/use-browser.js';
import { exampleMetrics, exampleStep } from '../watch/__fixtures__/steps.js';
import { startWatch } from '../watch/watch.js';
import { writeRunReport } from './report-page.js';

const history = Array.from({ length: 3 }, (_, index) => exampleStep(index + 1, 3));

describe.skipIf(noBrowser)('twenty injected texts', { timeout: 120_000 }, () => {
  const web = useBrowser();
  const { tab } = web;

  /** Expects a text in the title of the page and so often on it, as text and nothing else. */
  async function expectHarmless(url: string, payload: string, times: number): Promise<void> {
    const seen = printableLines(payload);
    await web.expectHarmless(seen, times, url);
    expect(await tab.evaluate('document.title')).toContain(seen);
  }

  it('would be noticed where they are not escaped', async () => {
    await web.visitHtml(`<body>${payloads[19]}${payloads[2]}${payloads[9]}`, 'window.broken === 1');
    const { ran, elements, isWide } = await harmOf(tab, 360);
    expect({ ran, isWide, elements: elements.length }).toEqual({ ran: true, isWide: true, elements: 2 });
  });

  it('are text on the report of a run: its title, its numbers and its settings', async () => {
    expect(payloads).toHaveLength(20);
    for (const payload of payloads) {
      const report = {
        ...{ title: payload, subtitle: payload, history, metrics: exampleMetrics },
        facts: [[payload, payload] as const],
        settings: { [payload]: payload, list: [payload] },
      };
      const ready = 'document.querySelectorAll("table").length === 2';
      const url = await web.visitFile((path) => writeRunReport(path, report), ready);
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
        await web.visit(url, 'document.querySelectorAll("#charts svg").length > 0');
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
