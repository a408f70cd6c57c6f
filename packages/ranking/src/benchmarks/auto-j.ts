import { meanOrNull } from '@gram/base';
import { badField, type FileRecord, idOf, numberField, textField } from '@gram/data';
import type { BenchmarkDefinition } from '../benchmark/definition.js';
import { type BenchmarkItem, ONE_PAIR } from '../benchmark/item.js';
import {
  type BenchmarkResult,
  type JudgedItem,
  onlyComparison,
  orderVerdict,
  verdict,
} from '../benchmark/judged-item.js';
import type { ScoreTable } from '../benchmark/score-table.js';

/**
 * The pairwise test set of Auto-J (Li et al. 2023; `data/test/testdata_pairwise.jsonl`, 1,392 records): `{ scenario, prompt, "response 1",
 * "response 2", label }`, where 0 or 1 names the better response and 2 is a tie. An item is right if both orders give its label.
 */
export const autoJ: BenchmarkDefinition = {
  title: 'Auto-J',
  parse,
  correctness: (item) => Number(saysInBothOrders(item, item.preferred)),
  table,
};

const LABELS = ['first', 'second', 'tie'] as const;

/** The groups of scenarios, from `codes/leaderboard/utils_constants.py` of the authors. */
const GROUPS: Readonly<Record<string, string>> = {
  Summarization: 'post_summarization text_summarization note_summarization',
  'Exam Questions': 'math_reasoning solving_exam_question_with_math solving_exam_question_without_math',
  Code: 'code_simplification code_generation explaining_code code_correction_rewriting code_to_code_translation',
  Rewriting: 'text_simplification language_polishing instructional_rewriting text_correction paraphrasing',
  'Creative Writing':
    'writing_song_lyrics writing_social_media_post writing_blog_post writing_personal_essay creative_writing writing_advertisement writing_marketing_materials writing_presentation_script counterfactual',
  'Functional Writing':
    'writing_product_description writing_job_application writing_news_article writing_biography writing_email writing_legal_document writing_technical_document writing_scientific_paper functional_writing writing_cooking_recipe',
  'General Communication':
    'asking_how_to_question open_question analyzing_general explaining_general seeking_advice recommendation value_judgement verifying_fact chitchat roleplay planning brainstorming',
  'NLP Tasks':
    'ranking text_to_text_translation data_analysis classification_identification title_generation question_generation reading_comprehension keywords_extraction information_extraction topic_modeling others',
};

const GROUP_OF = new Map(
  Object.entries(GROUPS).flatMap(([group, names]) => names.split(' ').map((name) => [name, group] as const)),
);

function parse(from: FileRecord): BenchmarkItem {
  const subset = GROUP_OF.get(textField(from, 'scenario'));
  if (subset === undefined) throw badField(from, 'scenario', 'a scenario of Auto-J');
  const preferred = LABELS[numberField(from, 'label')];
  if (preferred === undefined) throw badField(from, 'label', '0, 1 or 2');
  return {
    id: idOf(from),
    subset,
    prompt: textField(from, 'prompt'),
    responses: [textField(from, 'response 1'), textField(from, 'response 2')],
    pairs: ONE_PAIR,
    preferred,
  };
}

function verdictsOf(item: Pick<JudgedItem, 'comparisons'>) {
  const { orders, probability } = onlyComparison(item);
  return (orders ?? [probability, probability]).map(orderVerdict);
}

function saysInBothOrders(item: Pick<JudgedItem, 'comparisons'>, label: string): boolean {
  return verdictsOf(item).every((one) => one === label);
}

/** Scores of Auto-J on a group of items; null without any. */
export interface AutoJScore {
  readonly group: string;
  /** Share of items where both orders give the label, which may be a tie. */
  readonly agreement: number | null;
  /** Share of items where both orders give the same verdict. */
  readonly consistency: number | null;
  /** Accuracy of the mean probability on the items whose label is no tie. */
  readonly decided: number | null;
}

/**
 * The scores of Auto-J (Li et al. 2023, `codes/leaderboard/pairwise_eval.py`): agreement and consistency of each group of scenarios and of
 * all items, and beside them the accuracy of the mean probability without ties.
 */
export function autoJScores(results: readonly BenchmarkResult[]): AutoJScore[] {
  const score = (group: string, items: readonly BenchmarkResult[]): AutoJScore => ({
    group,
    agreement: meanOrNull(items.map((item) => Number(saysInBothOrders(item, item.preferred)))),
    consistency: meanOrNull(items.map((item) => Number(new Set(verdictsOf(item)).size === 1))),
    decided: meanOrNull(
      items
        .filter(({ preferred }) => preferred !== 'tie')
        .map((item) => Number(verdict(onlyComparison(item)) === item.preferred)),
    ),
  });
  return [
    ...Object.keys(GROUPS).map((group) =>
      score(
        group,
        results.filter(({ subset }) => subset === group),
      ),
    ),
    score('Overall', results),
  ];
}

function table(results: readonly BenchmarkResult[]): ScoreTable {
  return {
    columns: ['agreement', 'consistency', 'accuracy without ties'],
    rows: autoJScores(results).map(({ group, agreement, consistency, decided }) => ({
      name: group,
      values: [agreement, consistency, decided],
    })),
  };
}
