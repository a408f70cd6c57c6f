import { RewardError } from '../error.js';
import type { Comparator, ComparisonItem, RunOptions } from '../reward-model.js';
import type { Pair, Strategy } from './plan.js';
import type { RankItem, Ranking } from './ranking.js';

/**
 * Ranks lists in step: the pairs of one round of all lists are one call of `compare`. `rankAll` says what progress counts.
 *
 * @param strategyFor the strategy for a list of n responses
 * @throws RewardError `too-few-responses` for an item with fewer than two, before anything is compared; `bad-values` for a
 * comparator that gives too few results, or something else than a probability; whatever `compare` throws; the signal's reason
 */
export async function runPlans(
  model: Comparator,
  items: readonly RankItem[],
  strategyFor: (n: number) => Strategy,
  { signal, onProgress }: RunOptions = {},
): Promise<Ranking[]> {
  const runs = items.map((item, index) => start(item, nameOf(items, index), strategyFor));
  const bound = runs.reduce((sum, { cost }) => sum + cost.comparisons, 0);
  let done = 0;
  let told = '';
  const tell = (now: number, total: number) => {
    if (`${now} ${total}` === told) return;
    told = `${now} ${total}`;
    onProgress?.(now, total);
  };
  for (;;) {
    const open = runs.flatMap((run) => (run.step.done ? [] : [{ run, pairs: run.step.value }]));
    if (open.length === 0) break;
    // A comparator may be a plain function that does not look at the signal.
    signal?.throwIfAborted();
    const batch = open.flatMap(({ run, pairs }) => pairs.map((pair) => comparison(run, pair)));
    const before = done;
    const within = (part: number) => tell(before + part, bound);
    const probabilities = await probabilitiesOf(model, batch, { signal, onProgress: within });
    done += batch.length;
    tell(done, bound);
    let from = 0;
    for (const { run, pairs } of open) {
      run.comparisons += pairs.length;
      run.rounds++;
      run.step = run.plan.next(probabilities.slice(from, from + pairs.length));
      from += pairs.length;
    }
  }
  // A strategy may have needed less than it said.
  if (runs.length > 0) tell(done, done);
  return runs.map(({ step, comparisons, rounds, strategy }) => {
    if (!step.done) throw new Error('a ranking has ended early');
    return { ...step.value, comparisons, rounds, strategy };
  });
}

function start(item: RankItem, name: string, strategyFor: (n: number) => Strategy) {
  const n = item.responses.length;
  if (n < 2) {
    throw new RewardError(
      'too-few-responses',
      `${name === '' ? 'the prompt' : name} has ${n} responses to rank`,
      'Give at least two responses.',
    );
  }
  const strategy = strategyFor(n);
  const plan = strategy.plan(n);
  const cost = strategy.cost(n);
  return { item, name, strategy: strategy.name, plan, cost, step: plan.next(), comparisons: 0, rounds: 0 };
}

/** How errors name an item; a single one without an id needs no name. */
function nameOf(items: readonly RankItem[], index: number): string {
  return items[index]!.id ?? (items.length === 1 ? '' : `item ${index}`);
}

function comparison(
  { item, name }: { item: RankItem; name: string },
  [earlier, later]: Pair,
): ComparisonItem {
  const { prompt, responses } = item;
  const id = `${name === '' ? '' : `${name}, `}responses ${earlier} and ${later}`;
  return { id, prompt, a: responses[earlier]!, b: responses[later]! };
}

async function probabilitiesOf(
  model: Comparator,
  batch: readonly ComparisonItem[],
  options: RunOptions,
): Promise<number[]> {
  const probabilities = (await model.compare(batch, options)).map(({ probability }) => probability);
  const refuse = (problem: string) =>
    new RewardError('bad-values', problem, 'Give one probability from 0 to 1 for each item.');
  if (probabilities.length !== batch.length) {
    throw refuse(`compare gave ${probabilities.length} results for ${batch.length} items`);
  }
  const wrong = probabilities.findIndex((probability) => !(probability >= 0 && probability <= 1));
  if (wrong >= 0) throw refuse(`compare gave ${probabilities[wrong]} for ${batch[wrong]!.id}`);
  return probabilities;
}
