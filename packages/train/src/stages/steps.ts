import { sha256, sha256OfValue } from '@gram/base';
import {
  createOverlapFinder,
  type DataRecord,
  decontaminate,
  deduplicate,
  deduplicateNear,
  everyNth,
  filterByCharacters,
  filterByLanguage,
  filterByTokens,
  filterGarble,
  first,
  readPrompts,
  type Step,
  sampleCount,
  sampleShare,
  screen,
  splitByPrompt,
} from '@gram/data';
import { loadTokenizer } from '@gram/tokenize';
import { type LocateOptions, locateData } from './locate-data.js';
import { sha256OfData } from './sha256-of-data.js';
import type { StepSettings } from './step-settings.js';

/** The steps of a file, and all that decides what they leave out. */
export interface OpenedSteps<Item> {
  readonly steps: readonly Step<Item>[];
  /** The settings of each step, with hashes of the files that it reads. */
  readonly identity: readonly unknown[];
}

/**
 * Makes the steps that a configuration declares. They remember what they have seen, so they are for one pass over the records.
 *
 * @throws {DataError} `bad-option`, and the errors of reading evaluation sets; the errors of tokenizers
 */
export async function openSteps<Item extends DataRecord>(
  settings: readonly StepSettings[],
  options: LocateOptions,
): Promise<OpenedSteps<Item>> {
  const steps: Step<Item>[] = [];
  const identity: unknown[] = [];
  for (const one of settings) {
    const opened = await openStep<Item>(one, options);
    steps.push(...opened.steps);
    identity.push(...opened.identity);
  }
  return { steps, identity };
}

async function openStep<Item extends DataRecord>(
  settings: StepSettings,
  options: LocateOptions,
): Promise<OpenedSteps<Item>> {
  const { filter, dedupe, decontaminate: sets, sample, split } = settings;
  if (filter !== undefined) return filterSteps(filter);
  if (sets !== undefined) return overlapStep(sets, options);
  const identity = [settings];
  if (dedupe !== undefined) {
    const { by, near } = dedupe;
    const similar = near === undefined ? [] : [deduplicateNear<Item>({ by, similarity: near })];
    return { steps: [deduplicate<Item>({ by }), ...similar], identity };
  }
  if (sample !== undefined) {
    const { every, share, count, first: start, seed } = sample;
    const steps = [
      ...(every === undefined ? [] : [everyNth<Item>(every)]),
      ...(share === undefined ? [] : [sampleShare<Item>(share, seed)]),
      ...(count === undefined ? [] : [sampleCount<Item>(count, seed)]),
      ...(start === undefined ? [] : [first<Item>(start)]),
    ];
    return { steps, identity };
  }
  if (split === undefined) return { steps: [], identity };
  const partOf = splitByPrompt(split.parts, split.seed);
  const step = screen<Item>('split', (record) => {
    const part = partOf(record);
    return part === split.part ? undefined : `in part ${part}`;
  });
  return { steps: [step], identity };
}

async function filterSteps<Item extends DataRecord>({
  tokenizer: path,
  language,
  garble,
  ...sizes
}: NonNullable<StepSettings['filter']>): Promise<OpenedSteps<Item>> {
  const { minCharacters, maxCharacters, minTokens, maxTokens } = sizes;
  const tokenizer = path === undefined ? undefined : loadTokenizer(path);
  const countsCharacters = minCharacters !== undefined || maxCharacters !== undefined;
  const steps = [
    ...(garble ? [filterGarble<Item>()] : []),
    ...(countsCharacters ? [filterByCharacters<Item>({ least: minCharacters, most: maxCharacters })] : []),
    ...(language === undefined ? [] : [await filterByLanguage<Item>(language)]),
    ...(tokenizer === undefined
      ? []
      : [
          filterByTokens<Item>(
            { least: minTokens, most: maxTokens },
            async (text) => (await tokenizer.encode(text)).length,
          ),
        ]),
  ];
  const identity = [
    { filter: { ...sizes, language, garble, tokenizer: tokenizer && sha256(tokenizer.json) } },
  ];
  return { steps, identity };
}

async function overlapStep<Item extends DataRecord>(
  { against }: NonNullable<StepSettings['decontaminate']>,
  options: LocateOptions,
): Promise<OpenedSteps<Item>> {
  const sets = await Promise.all(
    against.map(async (given) => {
      const { path, ...reading } = typeof given === 'string' ? { path: given } : given;
      const local = await locateData(path, options);
      const hash = await sha256OfData(local, options.signal);
      return { name: path, records: readPrompts(local, reading), identity: { ...reading, hash } };
    }),
  );
  const finder = await createOverlapFinder(sets);
  const identity = sha256OfValue(sets.map((set) => set.identity));
  return { steps: [decontaminate<Item>(finder)], identity: [{ decontaminate: identity }] };
}
