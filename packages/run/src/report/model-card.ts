import { mean } from '@gram/base';
import type { GramMetadata } from '@gram/model';
import { formatNumber } from '@gram/report';
import type { RunMetrics } from '../metrics.js';
import { numberOf, type StepRecord } from '../record.js';
import { type Cell, code, markdownTable } from './markdown.js';

/** Content of a model card. */
export interface ModelCardFacts {
  /** Heading, for example the name of the output directory. */
  readonly name: string;
  /** `gram.json` of the model. */
  readonly gram: GramMetadata;
  /** Repository of the hub that the run started from. @default none is named */
  readonly baseModel?: string | undefined;
  /** Tags of the hub beside those of the kind. @default none */
  readonly tags?: readonly string[];
  /** The words that the judging prompt is answered with, for a model that answers with one of them. */
  readonly verdicts?: readonly string[] | undefined;
  /** Rows of the table of training data. */
  readonly training: readonly (readonly [string, Cell])[];
  /** Settings as path and value, see `settingRows`. */
  readonly settings: readonly (readonly [string, string])[];
  /** Curves and evaluations of the records of the run. */
  readonly metrics: RunMetrics;
  readonly history: readonly StepRecord[];
  /** Sentences after the table of results: how the model was chosen, and what the numbers are of. */
  readonly remarks: readonly string[];
  /** Version by name of program. */
  readonly versions: Readonly<Record<string, string>>;
}

const kinds: Readonly<Record<GramMetadata['kind'], string>> = {
  generative: 'A generative reward model: shown a prompt and two responses, it says which one is better.',
  discriminative: 'A discriminative reward model: it gives one response to a prompt a score.',
  policy: 'A language model that answers prompts.',
  value: 'A value model of PPO: it predicts the reward that is still to come.',
};

const tags: Readonly<Record<GramMetadata['kind'], readonly string[]>> = {
  generative: ['gram', 'reward-model'],
  discriminative: ['gram', 'reward-model'],
  policy: ['gram'],
  value: ['gram'],
};

/**
 * The model card of a trained model: a `README.md` as the Hugging Face hub reads it, Markdown with a header in YAML. Texts
 * from outside, which are names and settings, are code spans or quoted. Of paths only the last name is told.
 *
 * @example
 * ```ts
 * await writeFile('runs/one/README.md', modelCard(facts));
 * ```
 */
export function modelCard(facts: ModelCardFacts): string {
  const { name, gram } = facts;
  const coded = (rows: readonly (readonly string[])[]) =>
    rows.map((row) => row.map((text): Cell => ({ code: text })));
  const sections = [
    header(facts),
    `# ${code(name)}`,
    kinds[gram.kind],
    '## Training',
    training(facts),
    '## Results',
    results(facts),
    '## Use',
    use(gram, facts.verdicts),
    '## Configuration',
    markdownTable(['key', 'value'], coded(facts.settings)),
    '## Versions',
    markdownTable(['program', 'version'], coded(Object.entries(facts.versions))),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** YAML reads the texts of JSON as they are. */
function header({ baseModel, tags: more = [], gram: { kind } }: ModelCardFacts): string {
  return [
    '---',
    ...(baseModel === undefined ? [] : [`base_model: ${JSON.stringify(baseModel)}`]),
    'library_name: transformers',
    'tags:',
    ...[...tags[kind], ...more].map((tag) => `  - ${tag}`),
    '---',
  ].join('\n');
}

function training({ training: facts, gram, history }: ModelCardFacts): string {
  const tokens = history.reduce((sum, record) => sum + (record.tokens ?? 0), 0);
  const rows: (readonly [string, Cell])[] = [
    ...facts,
    ['tokens', { text: formatNumber(tokens) }],
    ['judging prompt', gram.judgePrompt === undefined ? { text: 'none' } : { code: gram.judgePrompt }],
    ['chat layout', { code: gram.chat }],
    ['longest input in tokens', { text: formatNumber(gram.maxLength) }],
  ];
  return markdownTable(
    ['what', 'value'],
    rows.map(([what, value]) => [{ text: what }, value]),
  );
}

function results({ history, metrics, remarks }: ModelCardFacts): string {
  const steps = history.filter(({ step }) => step > 0);
  if (steps.length === 0) return 'No step was done.';
  const tail = Math.max(1, Math.round(steps.length / 10));
  const table = markdownTable(
    [
      'number',
      'first step',
      'last step',
      `mean of the last ${formatNumber(tail)} steps`,
      'lowest',
      'highest',
    ],
    metrics.curves.flatMap(({ name, title }) => {
      const numbers = steps.map((record) => numberOf(record, name)).filter(Number.isFinite);
      return numbers.length === 0 ? [] : [summary(title.toLowerCase(), numbers, tail)];
    }),
  );
  return [table, ...remarks].join('\n\n');
}

/** First, last, mean of the last ones, lowest and highest of some numbers. */
function summary(name: string, numbers: readonly number[], tail: number): Cell[] {
  const last = numbers.slice(-tail);
  const [low, high] = numbers.reduce(
    ([least, most], number) => [Math.min(least, number), Math.max(most, number)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  const shown = [numbers[0] ?? Number.NaN, numbers.at(-1) ?? Number.NaN, mean(last), low, high];
  return [{ text: name }, ...shown.map((number) => ({ text: formatNumber(number) }))];
}

const shell = (lines: string) => `\`\`\`sh\n${lines}\n\`\`\``;

/** Returns the lines that load a model in transformers. */
function python(loader: string): string {
  const lines = `from transformers import ${loader}, AutoTokenizer\n\ntokenizer = AutoTokenizer.from_pretrained("MODEL")\nmodel = ${loader}.from_pretrained("MODEL")`;
  return `\`\`\`python\n${lines}\n\`\`\``;
}

const INTRO = 'With `MODEL` being this directory, in gram:';

/** Returns the lines that use a model, by its kind. */
function use(gram: GramMetadata, verdicts: readonly string[] | undefined): string {
  const layout = `Turns are marked as the chat layout ${code(gram.chat)} does.`;
  switch (gram.kind) {
    case 'generative':
      return [
        INTRO,
        shell(
          'gram score --model MODEL --prompt "Add 2 and 3." --a "5" --b "6"\ngram eval --model MODEL --data pairs.jsonl',
        ),
        'In transformers:',
        python('AutoModelForCausalLM'),
        `The model must be asked with the judging prompt ${code(gram.judgePrompt)} ${promptSource(gram)}, word for word. ${layout} The next token is the verdict${verdictList(verdicts)}: compare the logits of the two, and ask in both orders.`,
      ].join('\n\n');
    case 'discriminative':
      return [
        INTRO,
        shell('gram score --model MODEL --prompt "Add 2 and 3." --a "5" --b "6"'),
        'In transformers, where the single logit is the score:',
        python('AutoModelForSequenceClassification'),
        `The model reads the prompt and one response, as laid out by ${code(gram.judgePrompt)} ${promptSource(gram)}. ${layout}`,
      ].join('\n\n');
    case 'policy':
      return [
        INTRO,
        shell('gram generate --model MODEL --prompt "Why is the sky blue?"'),
        'In transformers:',
        python('AutoModelForCausalLM'),
        layout,
      ].join('\n\n');
    case 'value':
      return `In transformers, where the single logit of each position is the value:\n\n${python('AutoModelForSequenceClassification')}\n\n${layout}`;
  }
}

function promptSource({ prompt }: GramMetadata): string {
  return prompt === undefined ? 'of `@gram/tokenize`' : 'in `gram.json`';
}

function verdictList(verdicts: readonly string[] | undefined): string {
  return verdicts === undefined ? '' : `, ${verdicts.map((verdict) => code(verdict)).join(' or ')}`;
}
