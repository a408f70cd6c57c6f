import { basename } from 'node:path';
import type { GramMetadata } from '@gram/model';
import { formatNumber } from '@gram/report';
import type { StepRecord } from '../record.js';
import { type Cell, code, markdownTable } from './markdown.js';
import { hubName, publicModelName, publicSettings, type RunSettings } from './settings.js';

/** Content of a model card. */
export interface ModelCardFacts {
  /** Heading, for example the name of the output directory. */
  readonly name: string;
  readonly config: RunSettings;
  /** `gram.json` of the model. */
  readonly gram: GramMetadata;
  /** The words that the judging prompt is answered with, for a model that answers with one of them. */
  readonly verdicts?: readonly string[];
  readonly data: {
    /** SHA-256 of the data file, in hexadecimal. */
    readonly sha256: string;
    /** Number of records that were read: the examples and what was dropped. */
    readonly records: number;
    /** Number of records that the model was trained on. */
    readonly examples: number;
    /** Number of examples that were cut to fit. */
    readonly truncated: number;
    /** Number of examples in which markers of the judging prompt were escaped. */
    readonly neutralized: number;
    /** Numbers of records that were left out, by reason. */
    readonly dropped: Readonly<Record<string, number>>;
    /** Number of records whose id an earlier one has. */
    readonly repeatedIds: number;
  };
  /** Held-out data, and the step whose weights the model has, which was the best on them. */
  readonly heldOut?: {
    readonly examples: number;
    readonly sharedPrompts: number;
    readonly modelStep: number;
  };
  readonly parameters: number;
  readonly trainedParameters: number;
  readonly history: readonly StepRecord[];
  /** Steps left out because loss or gradient was not finite. */
  readonly skipped: number;
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
  const { name, config, gram } = facts;
  const sections = [
    header(config, gram),
    `# ${code(name)}`,
    kinds[gram.kind],
    '## Training',
    training(facts),
    '## Results',
    results(facts),
    '## Use',
    use(gram, facts.verdicts),
    '## Configuration',
    markdownTable(
      ['key', 'value'],
      publicSettings(config).map((row) => row.map((text): Cell => ({ code: text }))),
    ),
    '## Versions',
    markdownTable(
      ['program', 'version'],
      Object.entries(facts.versions).map((row) => row.map((text): Cell => ({ code: text }))),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** YAML reads the texts of JSON as they are. */
function header({ init, lora }: RunSettings, { kind }: GramMetadata): string {
  const base = hubName(init.model);
  const all = [...tags[kind], ...(lora === undefined ? [] : ['lora'])];
  return [
    '---',
    ...(base === undefined ? [] : [`base_model: ${JSON.stringify(base)}`]),
    'library_name: transformers',
    'tags:',
    ...all.map((tag) => `  - ${tag}`),
    '---',
  ].join('\n');
}

function training({ config, gram, data, parameters, trainedParameters, history }: ModelCardFacts): string {
  const count = (value: number): Cell => ({ text: formatNumber(value) });
  const start: Cell =
    config.init.model === undefined
      ? { text: 'random weights' }
      : { code: publicModelName(config.init.model) };
  const rows: [string, Cell][] = [
    ['stage', { code: config.stage }],
    ['started from', start],
    ['parameters', count(parameters)],
    ['parameters trained', count(trainedParameters)],
    ['data file', { code: basename(config.data.path) }],
    ['format of the data', { code: config.data.format }],
    ['SHA-256 of the data file', { code: data.sha256 }],
    ['records read', count(data.records)],
    ...Object.entries(data.dropped).map(([reason, number]): [string, Cell] => [
      `left out: ${reason.replaceAll('-', ' ')}`,
      count(number),
    ]),
    ['records trained on', count(data.examples)],
    ['of these cut to fit', count(data.truncated)],
    ['of these with escaped markers', count(data.neutralized)],
    ...(data.repeatedIds === 0
      ? []
      : [['records with the id of an earlier one', count(data.repeatedIds)] satisfies [string, Cell]]),
    ['tokens', count(history.reduce((sum, { tokens }) => sum + tokens, 0))],
    ['judging prompt', gram.judgePrompt === undefined ? { text: 'none' } : { code: gram.judgePrompt }],
    ['chat layout', { code: gram.chat }],
    ['longest input in tokens', count(gram.maxLength)],
  ];
  return markdownTable(
    ['what', 'value'],
    rows.map(([what, value]) => [{ text: what }, value]),
  );
}

function results({ history, skipped, heldOut, config }: ModelCardFacts): string {
  if (history.length === 0) return 'No step was done.';
  const tail = Math.max(1, Math.round(history.length / 10));
  const row = (name: string, value: (record: StepRecord) => number | undefined): Cell[][] => {
    const all = history.map(value);
    const finite = all.filter((number): number is number => number !== undefined && Number.isFinite(number));
    if (finite.length === 0) return [];
    const last = finite.slice(-tail);
    const mean = last.reduce((sum, number) => sum + number, 0) / last.length;
    const [low, high] = finite.reduce(
      ([least, most], number) => [Math.min(least, number), Math.max(most, number)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
    const numbers = [finite[0] ?? Number.NaN, finite.at(-1) ?? Number.NaN, mean, low, high];
    return [[{ text: name }, ...numbers.map((number) => ({ text: formatNumber(number) }))]];
  };
  const table = markdownTable(
    [
      'number',
      'first step',
      'last step',
      `mean of the last ${formatNumber(tail)} steps`,
      'lowest',
      'highest',
    ],
    [
      ...row('loss', ({ loss }) => loss),
      ...row('accuracy', ({ accuracy }) => accuracy),
      ...row('gradient norm', ({ gradientNorm }) => gradientNorm),
      ...row('learning rate', ({ learningRate }) => learningRate),
    ],
  );
  const steps = `${formatNumber(history.length)} steps, of which ${formatNumber(skipped)} were skipped because a number was not finite.`;
  const caveat =
    'These numbers are those of the training batches, not of held-out data; `gram eval` measures that.';
  if (heldOut === undefined) return `${table}\n\n${steps} ${caveat}`;
  const measured = history.find(({ step }) => step === heldOut.modelStep)?.validation;
  const numbers = measured === undefined ? '' : `loss ${formatNumber(measured.loss)}`;
  const order = measured?.accuracy === undefined ? '' : `, accuracy ${formatNumber(measured.accuracy)}`;
  const file = code(basename(config.validation?.path ?? ''));
  return [
    table,
    `${steps} These numbers are those of the training batches.`,
    `The model is that of step ${formatNumber(heldOut.modelStep)}. On ${formatNumber(heldOut.examples)} examples of ${file}, which were not trained on, but by which the step was chosen: ${numbers}${order}. Of these examples ${formatNumber(heldOut.sharedPrompts)} have a prompt that was trained on.`,
  ].join('\n\n');
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
