import { describe, expect, it } from 'vitest';
import { noBrowser, useBrowser } from '../../packages/report/src/__fixtures__/use-browser.ts';
import { findingsOf } from './findings.mjs';
import { benchmarkPage } from './page.mjs';

const machine = {
  processor: '2 x A',
  instructions: 'avx2',
  threads: '2',
  memory: '8 GiB',
  system: 'linux x64',
  load: '0.1',
  node: 'v20',
  onnxruntime: '1',
};
const rounds = (...seconds) => ({ rounds: seconds.map((each) => ({ seconds: each })) });
const speed = (own, other) => other.seconds / own.seconds;

/** Three rounds of ours beside two others, of which one is slower in each round and one was not installed. */
const findings = findingsOf({
  name: 'judging',
  title: 'Judging <pairs>',
  about: 'Everyone judges.',
  date: '2026-01-02',
  machine,
  rounds: 3,
  results: {
    'gram float32': rounds(1, 2, 4),
    fast: rounds(2, 6, 4),
    slow: { ...rounds(9, 9, 9), version: 'slow 1.2' },
  },
  absent: [{ name: 'none', reason: 'give --none' }],
  figures: [
    { name: 'time', unit: 's', of: ({ seconds }) => seconds },
    { name: 'what nobody has', unit: '', of: ({ other }) => other, isPlotted: false },
  ],
  targets: [
    { name: 'beside the best', own: 'gram float32', beside: ['fast', 'slow', 'none'], of: speed, least: 2 },
    { name: 'beside one that is absent', own: 'gram float32', beside: ['none'], of: speed, least: 2 },
    { name: 'time', own: 'gram float32', of: ({ seconds }) => seconds, most: 1.5, unit: 's' },
  ],
});

it('compares rounds with each other, and with the best of several systems', () => {
  const [best, absent, time] = findings.targets;
  // Rounds of 2, 3 and 1 beside the fast one, of 9, 4.5 and 2.25 beside the slow one.
  expect(best).toMatchObject({ measured: { median: 2, low: 1, high: 3 }, holds: true, bound: '>= 2 x' });
  expect(absent).toEqual({ name: 'beside one that is absent', bound: '>= 2 x', unit: 'x', missing: 'none' });
  expect(time).toMatchObject({ measured: { median: 2, low: 1, high: 4 }, holds: false });
  expect(findings.figures[1].values).toEqual({});
});

it('shows every target and names what is absent', () => {
  const html = benchmarkPage([findings], [{ name: 'serve', reason: 'not run' }]);
  const text = html.replaceAll(/<svg.*?<\/svg>/gs, '').replaceAll(/<[^>]*>/g, '|');
  for (const seen of [
    '1 of 2 measured targets hold. Targets that were not measured: 1.',
    'Benchmarks without results: serve (not run).',
    'Judging &lt;pairs&gt;',
    'Absent: none (give --none).',
    'beside the best||&gt;= 2 x||2 (1 to 3) x||yes',
    'not measured without none',
    'slow 1.2',
    '2 x A',
  ]) {
    expect(text).toContain(seen);
  }
  // One chart: what nobody has is not plotted.
  expect(html.match(/<svg /g)).toHaveLength(1);
});

describe.skipIf(noBrowser)('the page in a browser', () => {
  const browser = useBrowser();

  it.each(['light', 'dark'])('fits a desk and a phone, and asks for nothing (%s)', async (scheme) => {
    const url = await browser.visitHtml(benchmarkPage([findings], [{ name: 'serve', reason: 'not run' }]));
    for (const width of [1100, 390]) {
      await browser.tab.look(scheme, width);
      await browser.picture(`benchmarks-${scheme}-${width}`);
      expect(await browser.tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    }
    expect(browser.tab.messages).toEqual([]);
    expect(browser.tab.requests).toEqual([url]);
  });
});
