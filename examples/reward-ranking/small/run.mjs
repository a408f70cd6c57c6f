import { textTable } from '@gram/report';
import { compute, savedOf } from '@gram-examples/common/compute';
import { costsOf } from './costs.mjs';
import { choose, planOf } from './plan.mjs';
import { accuracyTable, piecesSentence, primarySentence, smallPage } from './report.mjs';
import { summarize } from './summary.mjs';

/** Computes the pieces of the study on real text that are asked for, and puts together all that was computed so far. */
export async function runSmall(recipe, output) {
  const { only, ...settings } = recipe;
  const cells = planOf(recipe);
  const module = new URL('stages.mjs', import.meta.url).href;
  await compute(recipe, choose(cells, only), 'reward ranking on real text', module);
  const summary = summarize(recipe, (stage) => savedOf(stage)?.result);
  console.log(`\n${textTable(accuracyTable(summary, recipe))}`);
  console.log(`\n${primarySentence(summary, recipe)} ${piecesSentence(summary)}`);
  const { directory: _, model: __, ...source } = recipe.source;
  const [{ tests }] = cells;
  await output.finish(smallPage({ recipe, summary }), {
    recipe: { ...settings, source },
    texts: savedOf(Object.values(tests)[0].needs.texts)?.result,
    costs: costsOf(cells, savedOf),
    ...summary,
  });
}
