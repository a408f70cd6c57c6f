import {
  columnFields,
  type DemonstrationFormat,
  demonstrationFormats,
  pairings,
  promptFormats,
  type ResponseFormat,
  responseFormats,
} from '@gram/data';
import { z } from 'zod';

const text = z.string().min(1, 'must not be empty');
const count = z.int().min(1);
const size = z.int().min(0);

/** The source of a field in a record: a path, a path with a default, or a template. */
export const column = z.union([
  text,
  z.strictObject({ path: text, default: z.unknown() }),
  z.strictObject({ template: text }),
]);

const filter = z.strictObject({
  minCharacters: size.optional().describe('smallest size of a record, its prompt and its responses together'),
  maxCharacters: size.optional().describe('largest size of a record'),
  minTokens: size.optional().describe('smallest size in tokens; needs `tokenizer`'),
  maxTokens: size.optional().describe('largest size in tokens; needs `tokenizer`'),
  tokenizer: text
    .optional()
    .describe('a tokenizer.json, or the directory of a model, by which tokens are counted'),
  language: z
    .array(text)
    .min(1)
    .optional()
    .describe('codes of the languages that are kept, as `[en]`, beside what cannot be told'),
  garble: z.boolean().default(false).describe('whether damaged text is left out'),
});

const dedupe = z.strictObject({
  by: z.enum(['record', 'prompt']).default('record').describe('what is compared'),
  near: z
    .number()
    .min(0.5)
    .max(1)
    .optional()
    .describe('also leaves out what has this share of runs of 5 words in common with an earlier record'),
});

const evaluationSet = z.strictObject({
  path: text,
  format: z.enum(promptFormats).optional(),
  columns: z.partialRecord(z.enum(columnFields), column).optional(),
});

/** Names of data formats of any stage. */
export const dataFormats = [
  ...new Set<ResponseFormat | DemonstrationFormat>([...responseFormats, ...demonstrationFormats]),
];

const weight = z.number().positive();

const mixed = z.strictObject({
  path: text.describe('another file whose records are mixed in, as `data.path`'),
  weight: weight.describe('its weight relative to those of the others'),
  format: z
    .enum(dataFormats)
    .optional()
    .meta({ description: 'as `data.format`', usual: 'the one that the fields fit' }),
  columns: z
    .partialRecord(z.enum(columnFields), column)
    .optional()
    .meta({ description: 'as `data.columns`', usual: 'where the format has them' }),
  pairing: z.enum(pairings).optional().meta({ description: 'as `data.pairing`', usual: '`all`' }),
  maxBadRecords: size.optional().meta({ description: 'as `data.maxBadRecords`', usual: '0' }),
  limit: count.optional().meta({ description: 'as `data.limit`', usual: 'all' }),
});

const mix = z.strictObject({
  with: z.array(mixed).min(1).max(255),
  weight: weight
    .default(1)
    .describe('weight of the records so far; the mixture ends with the first of the files to end'),
});

const decontaminate = z.strictObject({
  against: z
    .array(z.union([text, evaluationSet]))
    .min(1)
    .describe('files of prompts that are not trained on: a path, or `{ path, format, columns }` each'),
});

const sample = z.strictObject({
  every: count.optional().describe('keeps the first record and then every n-th one'),
  share: z.number().positive().max(1).optional().describe('keeps the records of this share of the prompts'),
  count: count
    .optional()
    .describe('keeps as many records; smaller samples of a seed are part of larger ones'),
  first: count.optional().describe('keeps the first records'),
  seed: z.int().default(0).describe('decides what is drawn'),
});

const split = z.strictObject({
  parts: z
    .record(z.string().regex(/^[A-Za-z0-9_-]+$/), z.number().positive().max(1))
    .describe('shares of the prompts by part, which sum to 1, as `{ train: 0.9, test: 0.1 }`'),
  part: text.describe('the part that is read'),
  seed: z.int().default(0).describe('decides which prompts are in a part'),
});

/** The steps that the records of a file may go through, named as the commands of `gram data`. */
export const step = z
  .strictObject({
    filter: filter.optional().describe('leaves out what is too short or long, foreign or damaged'),
    dedupe: dedupe.optional().describe('leaves out records that repeat an earlier one'),
    decontaminate: decontaminate.optional().describe('leaves out records with a prompt of evaluation sets'),
    mix: mix.optional().describe('mixes records of other files in, in proportion to weights'),
    sample: sample.optional().describe('keeps a part of the records'),
    split: split.optional().describe('keeps one of several parts that share no prompt'),
  })
  .superRefine((value, context) => {
    const problem = problemOf(value);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

/** A step as a configuration has it. */
export type StepSettings = z.output<typeof step>;

/** A file whose records are mixed in. */
export type MixedSource = z.output<typeof mixed>;

/** A file of records, and the steps that they go through. */
interface SteppedSource {
  readonly path: string;
  readonly steps?: readonly StepSettings[] | undefined;
}

/** Changes the path of a file of records, and those of the files that its steps read. */
export function withPaths<Source extends SteppedSource>(
  source: Source,
  change: (path: string) => string,
): Source {
  const steps = source.steps?.map((one) => stepWithPaths(one, change));
  return { ...source, path: change(source.path), ...(steps && { steps }) };
}

function stepWithPaths(settings: StepSettings, change: (path: string) => string): StepSettings {
  const { filter, decontaminate: sets, mix: mixture } = settings;
  const tokenizer = filter?.tokenizer;
  return {
    ...settings,
    ...(filter && tokenizer !== undefined && { filter: { ...filter, tokenizer: change(tokenizer) } }),
    ...(mixture && {
      mix: { ...mixture, with: mixture.with.map((one) => ({ ...one, path: change(one.path) })) },
    }),
    ...(sets && {
      decontaminate: {
        against: sets.against.map((set) =>
          typeof set === 'string' ? change(set) : { ...set, path: change(set.path) },
        ),
      },
    }),
  };
}

function problemOf({ filter, sample, split, ...others }: z.output<typeof step>): string | undefined {
  const given = Object.values({ filter, sample, split, ...others }).filter((one) => one !== undefined);
  if (given.length !== 1) return 'must have one step: filter, dedupe, decontaminate, mix, sample or split';
  if (filter !== undefined) {
    const { tokenizer, minTokens, maxTokens, garble, ...sizes } = filter;
    const countsTokens = minTokens !== undefined || maxTokens !== undefined;
    if (countsTokens !== (tokenizer !== undefined)) {
      return 'needs filter.tokenizer for minTokens and maxTokens, and only for them';
    }
    const isEmpty = !countsTokens && !garble && Object.values(sizes).every((one) => one === undefined);
    if (isEmpty) return 'needs something to leave out: maxTokens, maxCharacters, language or garble';
  }
  if (sample !== undefined) {
    const { seed: _, ...ways } = sample;
    const chosen = Object.values(ways).filter((one) => one !== undefined);
    if (chosen.length !== 1) return 'needs one of sample.every, share, count and first';
  }
  if (split !== undefined && !Object.hasOwn(split.parts, split.part)) {
    return `has no part ${JSON.stringify(split.part)} in split.parts`;
  }
  return undefined;
}
