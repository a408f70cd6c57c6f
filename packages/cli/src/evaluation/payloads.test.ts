import { printableLines } from '@gram/base';
import { summarizeBenchmark } from '@gram/reward';
import { describe, expect, it } from 'vitest';
import { payloads } from '../../../report/src/__fixtures__/payloads.js';
import { noBrowser, useBrowser } from '../../../report/src/__fixtures__/use-browser.js';
import { benchmarkPage } from './benchmark-report.js';

describe.skipIf(noBrowser)('twenty injected texts', { timeout: 120_000 }, () => {
  const web = useBrowser();

  it('are text on the page of a benchmark: the name of the model and of a subset', async () => {
    expect(payloads).toHaveLength(20);
    for (const payload of payloads) {
      const summary = summarizeBenchmark('llmbar', [
        {
          ...{ id: payload, subset: payload, preferred: 'first', correct: 1, lengths: [3, 4] },
          comparisons: [{ pair: [0, 1], probability: 0.7, orders: [0.7, 0.7], consistent: true }],
          ...{ truncated: false, neutralized: false },
        },
      ]);
      const page = benchmarkPage(summary, payload);
      const url = await web.visitHtml(page, 'document.querySelectorAll("table").length > 0');
      await web.expectHarmless(printableLines(payload), 2, url);
    }
  });
});
