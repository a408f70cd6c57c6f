import type { Comparator, Comparison, ComparisonItem, RunOptions } from '../comparator/comparator.js';
import { RewardError } from '../comparator/error.js';
import type { Pair, Strategy } from './plan.js';
import type { RankedPair, RankItem, Ranking, StrategyOptions } from './ranking.js';

/**
 * Ranks lists in step: the pairs of one round of all lists are one call of `compare`. `rankAll` says what progress counts.
 *
 * @param strategyFor returns the strategy for a list of n responses
 * @throws RewardError `too-few-responses` for an item with fewer than two, before anything is compared; `bad-values` for a
 * comparator that gives too few results, or anything other than a probability; whatever `compare` throws; the reason of the
 * signal
 */
export async function runPlans(
  model: Comparator,
  items: readonly RankItem[],
  strategyFor: (n: number) => Strategy,
  { signal, onProgress, onComparison }: StrategyOptions = {},
): Promise<Ranking[]> {
  const runs = items.map((item, index) => {
    return { index, ...start(item, nameOf(item, index, items.length), strategyFor) };
  });
  const bound = runs.reduce((sum, { cost }) => sum + cost.comparisons, 0);
  const tell = withoutRepeats(onProgress);
  let done = 0;
  for (;;) {
    const open = runs.flatMap((run) => (run.step.done ? [] : [{ run, pairs: run.step.value }]));
    if (open.length === 0) break;
    // A comparator may be a plain function that does not look at the signal.
    signal?.throwIfAborted();
    const batch = open.flatMap(({ run, pairs }) => pairs.map((pair) => comparison(run, pair)));
    const before = done;
    const within = (part: number) => tell(before + part, bound);
    const comparisons = (await compared(model, batch, { signal, onProgress: within })).values();
    done += batch.length;
    tell(done, bound);
    for (const { run, pairs } of open) {
      const made = pairs.flatMap((pair) => {
        const comparison = comparisons.next().value;
        return comparison === undefined ? [] : [{ item: run.index, pair, comparison }];
      });
      advance(run, made);
      if (onComparison !== undefined) made.forEach(onComparison);
    }
  }
  // A strategy may have needed less than it said.
  if (runs.length > 0) tell(done, done);
  return runs.map(({ step, comparisons, rounds, strategy }) => {
    if (!step.done) throw new Error('a ranking has ended early');
    return { ...step.value, comparisons, rounds, strategy };
  });
}

/** A list that is being ranked. */
type Run = ReturnType<typeof start>;

function start(item: RankItem, name: string, strategyFor: (n: number) => Strategy) {
  const n = item.responses.length;
  if (n < 2) {
    throw new RewardError(
      'too-few-responses',
      `${name === '' ? 'the prompt' : name} has ${n} responses to rank`,
      'give at least two responses',
    );
  }
  const strategy = strategyFor(n);
  const plan = strategy.plan(n);
  const cost = strategy.cost(n);
  return { item, name, strategy: strategy.name, plan, cost, step: plan.next(), comparisons: 0, rounds: 0 };
}

function advance(run: Run, made: readonly Pick<RankedPair, 'pair' | 'comparison'>[]): void {
  run.comparisons += made.length;
  run.rounds++;
  run.step = run.plan.next(made.map(({ pair, comparison: { probability } }) => ({ pair, probability })));
}

/** Calls back only where a number has changed. */
function withoutRepeats(onProgress: RunOptions['onProgress']): NonNullable<RunOptions['onProgress']> {
  let told = '';
  return (done, total) => {
    if (`${done} ${total}` === told) return;
    told = `${done} ${total}`;
    onProgress?.(done, total);
  };
}

/** The name of an item in errors; a single one without an id needs none. */
function nameOf({ id }: RankItem, index: number, count: number): string {
  return id ?? (count === 1 ? '' : `item ${index}`);
}

function comparison({ item, name }: Run, [earlier, later]: Pair): ComparisonItem {
  const { prompt, tools, responses } = item;
  const [a, b] = [responses[earlier], responses[later]];
  if (a === undefined || b === undefined) throw new RangeError(`there is no response ${earlier} or ${later}`);
  return { id: `${name === '' ? '' : `${name}, `}responses ${earlier} and ${later}`, prompt, tools, a, b };
}

/** Compares a batch, and checks that there is a probability for each item. */
async function compared(
  model: Comparator,
  batch: readonly ComparisonItem[],
  options: RunOptions,
): Promise<Comparison[]> {
  const results = await model.compare(batch, options);
  const refuse = (problem: string) =>
    new RewardError('bad-values', problem, 'give one probability from 0 to 1 for each item');
  if (results.length !== batch.length) {
    throw refuse(`compare gave ${results.length} results for ${batch.length} items`);
  }
  for (const [at, { probability }] of results.entries()) {
    if (probability >= 0 && probability <= 1) continue;
    throw refuse(`compare gave ${probability} for ${batch[at]?.id}`);
  }
  return results;
}
