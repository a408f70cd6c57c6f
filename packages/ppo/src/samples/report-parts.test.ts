import { printableLines } from '@gram/base';
import { page } from '@gram/report';
import { startWatch } from '@gram/run';
import { describe, expect, it } from 'vitest';
import { payloads } from '../../../report/src/__fixtures__/payloads.js';
import { noBrowser, useBrowser } from '../../../report/src/__fixtures__/use-browser.js';
import { metricsOf } from '../run/records.js';
import { endSamples, rlhfSections } from './report-parts.js';
import type { Sample } from './samples.js';

const rewards = [
  { name: 'judge', weight: 1 },
  { name: 'length', weight: 0 },
];

function sampleOf(step: number, fields: Partial<Sample> = {}): Sample {
  return {
    ...{
      step,
      id: 'a',
      prompt: 'Why?',
      response: 'Because.',
      reference: 'So.',
      reward: 0.5,
      kl: 1.25,
      length: 3,
    },
    rewards: { judge: 0.5, length: 3 },
    ...fields,
  };
}

const long = 'The cat sat on the mat, and then it went on to look at the moon for quite some time. '.repeat(
  6,
);

/** A step as a reader may meet it: texts of one word and of many, in several scripts, and numbers that are not there. */
const step12 = [
  sampleOf(12, { prompt: 'Name a color.', response: 'blue', reference: 'green' }),
  sampleOf(12, {
    prompt: long.slice(0, 200),
    response: long,
    reference: long.slice(0, 350),
    reward: -12.3456789,
  }),
  sampleOf(12, {
    prompt: 'لخص القصة في جملة واحدة.',
    response: 'قصة قصيرة عن صديقين.\nsecond line',
    reward: 1e-7,
  }),
  sampleOf(12, { reward: null, rewards: { judge: null, length: 3 }, kl: undefined, reference: undefined }),
];

const evaluations = [0, 0.1, 0.4, 0.9, 1.6, 2].map((reward, i) => ({
  ...{ step: 5 * i, reward },
  heldOut: [0.1, 0.2, 0.5, 0.45, 0.4, 0.3][i]!,
}));

describe('the parts of a page that only RLHF has', () => {
  it('are all prompts, samples, references, rewards, KL and lengths of each step', () => {
    const [section] = rlhfSections([], [sampleOf(1), ...step12], rewards);
    expect(section!.tables!.map(({ caption }) => caption)).toEqual(['Step 1', 'Step 12']);
    expect(section!.tables![0]!.columns.map(({ name }) => name)).toEqual([
      'prompt',
      'sample',
      'reference',
      'reward',
      'judge',
      'length',
      'KL',
      'tokens',
    ]);
    expect(section!.tables![0]!.rows).toEqual([['Why?', 'Because.', 'So.', 0.5, 0.5, 3, 1.25, 3]]);
    expect(section!.tables![1]!.rows.at(-1)).toEqual(['Why?', 'Because.', '', 'none', 'none', 3, 'none', 3]);
  });

  it('have no column twice where there is one reward, and say where texts were cut', () => {
    const text = 'x'.repeat(700);
    const [section] = rlhfSections([], [sampleOf(1, { response: text })], rewards.slice(0, 1));
    const [table] = section!.tables!;
    expect(table!.columns.map(({ name }) => name)).toEqual([
      'prompt',
      'sample',
      'reference',
      'reward',
      'KL',
      'tokens',
    ]);
    expect(table!.caption).toContain('samples.jsonl');
    expect(table!.rows[0]![1]).toBe(`${text.slice(0, 600)}...`);
  });

  it('are of the first and the last step in a report', () => {
    expect(endSamples([1, 1, 2, 3, 3].map((step) => sampleOf(step))).map(({ step }) => step)).toEqual([
      1, 1, 3, 3,
    ]);
    expect(endSamples([])).toEqual([]);
  });

  it('draw both rewards in parts of their own range, with a line where they part', () => {
    const [{ figures, paragraphs }] = rlhfSections(evaluations, [], rewards) as [
      NonNullable<ReturnType<typeof rlhfSections>[0]>,
    ];
    expect(figures![0]!.svg).toContain(
      'learned from: 0 at 0, 1 at 25. held out: 0 at 0, 0.5 at 25. where they part: 0 at 10, 1 at 10.',
    );
    expect(paragraphs![0]).toMatch(/^After step 10 the reward went on to rise/);
  });

  it('draw a flat line of a reward that never changes, and none that was not held out', () => {
    const flat = [0, 5].map((step) => ({ step, reward: 3, heldOut: 2 }));
    expect(rlhfSections(flat, [], rewards)[0]!.figures![0]!.svg).toContain('held out: 0 at 0, 0 at 5.');
    expect(rlhfSections([{ step: 0, reward: 1 }], [], rewards)).toEqual([]);
  });
});

describe.skipIf(noBrowser)('samples in a browser', { timeout: 120_000 }, () => {
  const web = useBrowser();
  const { tab } = web;

  /** The narrowest column of texts, and whether the page is wider than its window. */
  const measure = () =>
    tab.evaluate<{ narrowest: number; isWide: boolean }>(`({
      narrowest: Math.min(...[...document.querySelectorAll('tbody .text')].filter((cell) => cell.innerText !== '').map((cell) => cell.getBoundingClientRect().width)),
      isWide: document.documentElement.scrollWidth > innerWidth,
    })`);

  it('have room for every text in a report, on a desk and on a phone', async () => {
    const html = page({
      title: 'RLHF: grpo',
      sections: rlhfSections(evaluations, [sampleOf(1), ...step12], rewards),
    });
    for (const [width, least] of [
      [1280, 180],
      [390, 340],
    ] as const) {
      for (const scheme of ['light', 'dark'] as const) {
        await tab.look(scheme, width);
        await web.visitHtml(html, 'document.querySelectorAll("table").length === 2');
        const { narrowest, isWide } = await measure();
        expect({ isWide, isRoomy: narrowest >= least }, `${width}: ${narrowest}`).toEqual({
          isWide: false,
          isRoomy: true,
        });
        await web.picture(`samples-report-${width}-${scheme}`);
      }
    }
  });

  it('follow the run on its page, stay where a reader has scrolled to, and wait while it pauses', async () => {
    let samples: readonly Sample[] = [];
    let url = '';
    const watch = await startWatch({
      ...{ title: 'grpo: run', total: 20, metrics: metricsOf(rewards) },
      sections: () => rlhfSections(evaluations, samples, rewards),
      onUrl: (given) => {
        url = given;
      },
    });
    const stepTo = (step: number) => {
      samples = step12.map((sample) => ({ ...sample, step }));
      const cost = { tokensPerSecond: 10, memoryBytes: 1e9 };
      watch.record({
        step,
        score: step / 10,
        kl: 0.1,
        rewards: { judge: step / 10, length: 4 },
        ...cost,
      } as never);
    };
    const captions = 'document.querySelector("#sections caption")?.textContent';
    try {
      for (const scheme of ['light', 'dark'] as const) {
        for (const width of [1280, 390]) {
          await tab.look(scheme, width);
          await web.visit(url);
          stepTo(width);
          await tab.until(`${captions} === "Step ${width}"`);
          const { narrowest, isWide } = await measure();
          expect({ isWide, isRoomy: narrowest >= 180 }, `${width}: ${narrowest}`).toEqual({
            isWide: false,
            isRoomy: true,
          });
          await web.picture(`samples-watch-${width}-${scheme}`);
        }
      }
      await tab.look('light', 700);
      await tab.evaluate('document.querySelector("#sections .table").scrollLeft = 120');
      stepTo(1001);
      await tab.until(`${captions} === "Step 1001"`);
      expect(await tab.evaluate('document.querySelector("#sections .table").scrollLeft')).toBe(120);
      await tab.evaluate('document.getElementById("pause").click()');
      stepTo(1002);
      await tab.until('document.title.length > 0');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(await tab.evaluate(captions)).toBe('Step 1001');
      await tab.evaluate('document.getElementById("pause").click()');
      await tab.until(`${captions} === "Step 1002"`);
      expect(tab.messages).toEqual([]);
    } finally {
      await watch.close();
    }
  });

  it('are text and nothing else, whatever is in them', async () => {
    let samples: readonly Sample[] = [];
    let url = '';
    const watch = await startWatch({
      ...{ title: 'grpo: run', total: 20, metrics: metricsOf(rewards) },
      sections: () => rlhfSections([], samples, rewards),
      onUrl: (given) => {
        url = given;
      },
    });
    try {
      for (const [step, payload] of payloads.entries()) {
        // The longest one is cut in a cell.
        const text = payload.slice(0, 590);
        samples = [sampleOf(step, { prompt: text, response: text, reference: text })];
        watch.record({ step: step + 1, score: 1, tokensPerSecond: 10, memoryBytes: 1e9 } as never);
        await web.visit(url, `document.querySelector("#sections caption")?.textContent === "Step ${step}"`);
        await web.expectHarmless(printableLines(text), 3, url);
        const file = await web.visitHtml(
          page({ title: 'run', sections: rlhfSections([], samples, rewards) }),
        );
        await web.expectHarmless(printableLines(text), 3, file);
      }
    } finally {
      await watch.close();
    }
  });
});
