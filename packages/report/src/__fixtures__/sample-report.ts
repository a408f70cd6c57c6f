import { barChart } from '../charts/bar-chart.js';
import { lineChart, type Series } from '../charts/line-chart.js';
import type { PageOptions } from '../page/page.js';

/** A deterministic noise in [-1, 1]. */
const noise = (step: number) => Math.sin(step * 12.9898) * Math.cos(step * 4.1414);

const curve = (start: number, end: number, amount: number): [number, number][] =>
  Array.from({ length: 400 }, (_, step) => [
    step,
    end + (start - end) * Math.exp(-step / 90) + amount * noise(step + start),
  ]);

/** Accuracy over the number of labels, measured at few numbers, with an interval that was once not measured. */
const tested = (name: string, start: number, gain: number): Series => {
  const points = [0, 16, 32, 64, 96, 128].map((labels): [number, number] => [
    labels,
    start + gain * (1 - Math.exp(-labels / 40)) + 0.01 * noise(labels + start),
  ]);
  return {
    name,
    points,
    band: points.map(([x, y]) => [x, y - 0.036, name === 'Discriminative' && x === 32 ? Number.NaN : y + 0.036]),
    marks: true,
  };
};

/** Every kind of content, with names that are long, hostile or in other scripts. */
export const sampleReport: PageOptions = {
  title: 'Reward ranking: what pre-training on unlabeled pairs is worth',
  subtitle: 'Seed 7, 28M parameters, 400 steps a stage, 11 min 20 s on a laptop.',
  sections: [
    {
      heading: 'Result',
      paragraphs: [
        'The generative reward model that first learned from unlabeled pairs ranks 74.1% of the held-out pairs as the oracle does. Without that stage it ranks 69.0%.',
        'Whiskers are 95% bootstrap intervals over 600 pairs. The ceiling is the share of labels that agree with the oracle.',
      ],
      figures: [
        {
          svg: barChart({
            title: 'Pairwise accuracy',
            yLabel: 'share of pairs ranked as the oracle does',
            yMin: 0,
            yMax: 1,
            groups: [
              {
                name: 'In distribution',
                bars: [
                  { name: 'Discriminative', value: 0.702, low: 0.664, high: 0.738 },
                  { name: 'Generative, stage 2 only', value: 0.69, low: 0.651, high: 0.727 },
                  { name: 'GRAM, both stages', value: 0.741, low: 0.705, high: 0.775 },
                ],
              },
              {
                name: 'Out of distribution',
                bars: [
                  { name: 'Discriminative', value: 0.561, low: 0.521, high: 0.6 },
                  { name: 'Generative, stage 2 only', value: 0.583, low: 0.543, high: 0.622 },
                  { name: 'GRAM, both stages', value: 0.649, low: 0.61, high: 0.687 },
                ],
              },
            ],
            lines: [
              { name: 'chance', value: 0.5 },
              { name: 'ceiling', value: 0.91 },
              { name: 'one annotator', value: 0.88 },
            ],
          }),
          caption: 'Accuracy on families of tasks seen in training, and on families held out.',
        },
        {
          svg: lineChart({
            title: 'Loss of stage 2',
            xLabel: 'step',
            yLabel: 'cross-entropy of the preferred label, nats',
            smooth: 0.9,
            series: [
              { name: 'GRAM, both stages', points: curve(0.69, 0.42, 0.06) },
              { name: 'Generative, stage 2 only', points: curve(0.75, 0.5, 0.06) },
              { name: 'Discriminative', points: curve(0.72, 0.55, 0.04) },
            ],
          }),
          caption: 'Bold lines are exponential moving averages of the faint ones.',
        },
      ],
    },
    {
      heading: 'Adaptation',
      figures: [
        {
          svg: barChart({
            title:
              'Gain from adaptation examples, in points of accuracy, with <names> that are "too long" & 多语言',
            yLabel: 'points',
            groups: Array.from({ length: 9 }, (_, group) => ({
              name: ['Summaries of very long stories', 'Harmlessness', 'W'.repeat(40), '要約', 'f'][
                group % 5
              ]!,
              bars: Array.from({ length: 2 }, (_, bar) => ({
                name:
                  bar === 0 ? 'few' : 'A name that goes on for much longer than any name should in a legend',
                value: group === 3 ? Number.NaN : 4.5 * noise(group * 2 + bar) + 1,
                low: 4.5 * noise(group * 2 + bar),
                high: 4.5 * noise(group * 2 + bar) + 2,
              })),
            })),
            lines: [{ name: 'a reference line with a long name', value: 1.5 }],
          }),
        },
        { svg: lineChart({ title: 'Nothing measured yet', xLabel: 'step', yLabel: 'loss', series: [] }) },
        {
          svg: lineChart({
            title: 'Eight learning rates',
            xLabel: 'tokens',
            yLabel: 'learning rate',
            series: Array.from({ length: 8 }, (_, index) => ({
              name: `run ${index} with warm-up`,
              points: Array.from({ length: 20 }, (_, step): [number, number] => [
                step * 7e6,
                step === 8 ? Number.NaN : 1e-5 * (index + 1) * Math.cos(step / 13),
              ]),
            })),
          }),
        },
        {
          svg: lineChart({
            title: 'Accuracy after adaptation',
            xLabel: 'labels of the new task',
            yLabel: 'share of pairs ranked as the oracle does',
            series: [
              tested('GRAM, both stages', 0.62, 0.16),
              tested('Generative, stage 2 only', 0.58, 0.14),
              tested('Discriminative', 0.56, 0.05),
            ],
          }),
          caption: 'Areas are 95% bootstrap intervals. Discriminative has none at 32 labels.',
        },
        {
          svg: lineChart({
            title: 'Reward over distance',
            xLabel: 'KL divergence from the start, nats',
            yLabel: 'reward',
            series: [
              {
                name: 'policy, which comes back',
                points: Array.from({ length: 30 }, (_, step): [number, number] => [
                  12 * Math.sin(step / 11),
                  1 - Math.exp(-step / 9) + 0.03 * noise(step),
                ]),
                marks: true,
              },
            ],
          }),
        },
      ],
      tables: [
        {
          caption: 'Cost of each stage',
          columns: [
            { name: 'Stage' },
            { name: 'Steps' },
            { name: 'Tokens' },
            { name: 'Time', align: 'right' },
          ],
          rows: [
            ['Pre-training on unlabeled pairs', 400, 1_638_400, '6 min 10 s'],
            ['Fine-tuning on preferences <b>', 400, 819_200, '4 min 32 s'],
            ['Adaptation', 60, 122_880, '38 s'],
          ],
        },
      ],
    },
    {
      heading: 'Examples',
      cards: [
        {
          title: 'Sorting',
          prompt: 'Sort these words: pear, apple, fig.',
          responses: [
            { text: 'apple, fig, pear', score: 0.9731, remark: 'oracle 1.00' },
            { text: 'apple, pear, fig', score: 0.412, remark: 'oracle 0.40' },
            {
              text: '<script>document.title = "broken"</script><img src="https://example.org/x.png">',
              score: 0.02,
            },
          ],
        },
        {
          title: 'Summary',
          prompt: 'لخص القصة في جملة واحدة.\nThen in English.',
          responses: [
            { text: 'قصة قصيرة عن صديقين.', score: 0.81 },
            { text: 'x'.repeat(200), score: 1e-7, remark: 'one word without a space' },
          ],
        },
      ],
    },
  ],
};
