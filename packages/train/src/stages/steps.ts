import { basename } from 'node:path';
import { sha256, sha256OfValue, threadCount } from '@gram/base';
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
  type MixSource,
  mixWith,
  readPrompts,
  type Step,
  sampleCount,
  sampleShare,
  screen,
  splitByPrompt,
} from '@gram/data';
import { createTokenCounter, loadTokenizer } from '@gram/tokenize';
import { type LocateOptions, locateData } from './locate-data.js';
import { sha256OfData } from './sha256-of-data.js';
import type { MixedSource, StepSettings } from './step-settings.js';

/** The steps of a file, and all that decides what they leave out. */
export interface OpenedSteps<Item> {
  readonly steps: readonly Step<Item>[];
  /** The settings of each step, with hashes of the files that it reads; complete when the records have ended. */
  identity(): Promise<readonly unknown[]>;
}

/** Options of `openSteps`. */
export interface StepOptions<Item> extends LocateOptions {
  /** Opens a file whose records are mixed in, and says all that decides which ones it gives. */
  readonly openMixed: (
    source: MixedSource,
  ) => Promise<{ readonly items: AsyncIterable<Item>; readonly identity: () => Promise<unknown> }>;
}

/**
 * Makes the steps that a configuration declares. They remember what they have seen, so they are for one pass over the records.
 *
 * @throws {DataError} `bad-option`, and the errors of reading evaluation sets; the errors of tokenizers
 */
export async function openSteps<Item extends DataRecord>(
  settings: readonly StepSettings[],
  options: StepOptions<Item>,
): Promise<OpenedSteps<Item>> {
  const all: OpenedSteps<Item>[] = [];
  for (const one of settings) all.push(await openStep<Item>(one, options));
  return {
    steps: all.flatMap(({ steps }) => steps),
    identity: async () => (await Promise.all(all.map((one) => one.identity()))).flat(),
  };
}

async function openStep<Item extends DataRecord>(
  settings: StepSettings,
  options: StepOptions<Item>,
): Promise<OpenedSteps<Item>> {
  const { filter, dedupe, decontaminate: sets, mix, sample, split } = settings;
  if (filter !== undefined) return filterSteps(filter, options);
  if (mix !== undefined) return mixStep(mix, options);
  if (sets !== undefined) return overlapStep(sets, options);
  const identity = async () => [settings];
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

async function filterSteps<Item extends DataRecord>(
  { tokenizer: path, language, garble, ...sizes }: NonNullable<StepSettings['filter']>,
  { signal }: LocateOptions,
): Promise<OpenedSteps<Item>> {
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
          filterByTokens<Item>({ least: minTokens, most: maxTokens }, () =>
            createTokenCounter(tokenizer, { threads: threadCount(), signal }),
          ),
        ]),
  ];
  const identity = async () => [
    { filter: { ...sizes, language, garble, tokenizer: tokenizer && sha256(tokenizer.json) } },
  ];
  return { steps, identity };
}

async function mixStep<Item>(
  { weight, with: others }: NonNullable<StepSettings['mix']>,
  { openMixed }: StepOptions<Item>,
): Promise<OpenedSteps<Item>> {
  const opened: (MixSource<Item> & { readonly identity: () => Promise<unknown> })[] = [];
  // One after the other, so that files have the order in which they are declared.
  for (const other of others) {
    opened.push({ name: basename(other.path), weight: other.weight, ...(await openMixed(other)) });
  }
  const identity = async () => {
    const identities = opened.map(async (one) => ({ weight: one.weight, of: await one.identity() }));
    return [{ mix: { weight, with: await Promise.all(identities) } }];
  };
  return { steps: [mixWith(opened, weight)], identity };
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
      return { name: basename(path), records: readPrompts(local, reading), identity: { ...reading, hash } };
    }),
  );
  const finder = await createOverlapFinder(sets);
  const identity = sha256OfValue(sets.map((set) => set.identity));
  return { steps: [decontaminate<Item>(finder)], identity: async () => [{ decontaminate: identity }] };
}
