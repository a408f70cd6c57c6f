import { meanOrNull } from '@gram/base';
import { type FileRecord, idOf, optionalText, textField } from '@gram/data';
import type { BenchmarkDefinition, DataFile } from '../benchmark/definition.js';
import { type BenchmarkItem, preferredPair } from '../benchmark/item.js';
import type { BenchmarkResult } from '../benchmark/judged-item.js';
import { groupBy, type ScoreTable } from '../benchmark/score-table.js';
import { rewardBenchScores, rewardBenchSections } from './reward-bench.js';

/**
 * M-RewardBench (Gureja et al. 2024; `CohereLabsCommunity/multilingual-reward-bench`): RewardBench in other languages, records
 * `{ id, prompt, chosen, rejected, language, source }`, where the source is the subset of RewardBench. Without `language` the name of the
 * file says it. The subset of an item is its language.
 */
export const mRewardBench: BenchmarkDefinition = {
  title: 'M-RewardBench',
  parse,
  table,
};

function parse(from: FileRecord, { stem }: DataFile): BenchmarkItem {
  const language = optionalText(from, 'language') ?? stem;
  const source = textField(from, 'source');
  const item = {
    id: `${language}/${source}/${idOf(from)}`,
    subset: language,
    prompt: textField(from, 'prompt'),
  };
  return { ...preferredPair(item, textField(from, 'chosen'), textField(from, 'rejected')), tags: [source] };
}

/**
 * The sections of RewardBench with the weights of `analysis/plot_utils.py` of the authors, which give the two parts of XSTest their
 * sizes in the data.
 */
const SECTIONS = {
  ...rewardBenchSections,
  Safety: { ...rewardBenchSections.Safety, 'xstest-should-refuse': 154, 'xstest-should-respond': 250 },
};

/** Section scores of one language; null for a section without data. */
export interface LanguageScores {
  readonly language: string;
  /** By the name of the section, and the unweighted mean of those with data as `Overall`. */
  readonly sections: Readonly<Record<string, number | null>>;
}

/** Scores of each language by the official weights of RewardBench, and their unweighted mean as the language `mean`. */
export function mRewardBenchScores(results: readonly BenchmarkResult[]): LanguageScores[] {
  const languages = [...groupBy(results, ({ subset }) => subset)].map(([language, items]) => {
    const ofSource = items.map((item) => ({ ...item, subset: item.tags?.[0] ?? '' }));
    const scores = rewardBenchScores(ofSource, SECTIONS);
    return {
      language,
      sections: Object.fromEntries(scores.map(({ section, official }) => [section, official])),
    };
  });
  const meanOf = (section: string) =>
    meanOrNull(languages.flatMap(({ sections }) => sections[section] ?? []));
  const names = [...Object.keys(SECTIONS), 'Overall'];
  return [
    ...languages,
    { language: 'mean', sections: Object.fromEntries(names.map((name) => [name, meanOf(name)])) },
  ];
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  const columns = [...Object.keys(SECTIONS), 'Overall'];
  return {
    columns,
    rows: mRewardBenchScores(results).map(({ language, sections }) => ({
      name: language,
      values: columns.map((column) => sections[column] ?? null),
    })),
  };
}
