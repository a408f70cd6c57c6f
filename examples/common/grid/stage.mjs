import { sha256OfValue } from '@gram/base';

/**
 * A stage of a study: one computation whose result is kept, such as a training run or an evaluation.
 *
 * Its id is a hash of all that it depends on: the name of the function, its inputs and the stages that it reads. Arms of a
 * study that begin alike therefore share their first stages, and a study that is started again computes only what changed.
 *
 * @param kind name of a function in the table of the study
 * @param inputs what the function is given; JSON
 * @param needs stages whose results and files it reads, by name
 */
export function stage(kind, inputs, needs = {}) {
  const ids = Object.fromEntries(Object.entries(needs).map(([name, { id }]) => [name, id]));
  return { kind, inputs, needs, id: `${kind}-${sha256OfValue({ kind, inputs, needs: ids }).slice(0, 16)}` };
}

/** Lists stages and all that they need, each once, in an order in which they can run. */
export function inOrder(targets) {
  const found = new Map();
  const visit = (each) => {
    if (found.has(each.id)) return;
    for (const needed of Object.values(each.needs)) visit(needed);
    found.set(each.id, each);
  };
  for (const target of targets) visit(target);
  return [...found.values()];
}
