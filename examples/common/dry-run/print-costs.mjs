import { textTable } from '@gram/report';
import { allGraphs, fitting, hours, memoryPerGpu } from './costs.mjs';

const gibibytes = (bytes) => (bytes / 2 ** 30).toFixed(1);
const right = (name) => ({ name, align: 'right' });

/** Builds the graphs of a recipe with the paper's models, and prints what its runs would take on stated machines. */
export function printCosts(recipe, phases) {
  const { machine } = recipe;
  const { gpus, memory, teraflops, writtenPerSecond } = machine;
  const runs = phases(recipe).filter(({ passes }) => passes !== undefined);
  const trained = runs.flatMap(({ passes }) =>
    passes.filter(({ isTrained }) => isTrained).map(({ objective }) => objective),
  );
  const graphs = allGraphs(recipe, [...new Set(trained)]);
  print({
    columns: [
      { name: 'model' },
      { name: 'graph' },
      { name: 'trained' },
      right('nodes'),
      right('results, GiB'),
    ],
    rows: graphs.map(({ model, graph, part, nodes, bytes }) => [
      ...[model, graph, part],
      ...[nodes.toLocaleString('en-US'), gibibytes(bytes)],
    ]),
  });
  console.log(
    `Every graph was built with the true shapes and without weights: one sequence of ${recipe.maxLength} tokens in training, 8 where text is read or written.`,
  );
  print({
    columns: [
      ...[{ name: 'model' }, { name: 'objective' }, { name: 'trained' }],
      ...['weights', 'gradients', 'moments', 'results', 'together'].map(right),
      { name: `in ${memory} GiB` },
    ],
    rows: memoryPerGpu(machine, graphs).map(({ model, graph, part, ...bytes }) => {
      const parts = [bytes.weights, bytes.gradients, bytes.moments, bytes.working];
      const together = parts.reduce((sum, each) => sum + each, 0);
      const fits = together <= memory * 2 ** 30 ? 'yes' : 'no';
      return [model, graph, part, ...[...parts, together].map(gibibytes), fits];
    }),
  });
  console.log(
    `GiB of each of ${gpus} GPUs: float32, gradient checkpointing, moments of AdamW dealt out (ZeRO-1), one sequence at a time.`,
  );
  printFitting(gpus, fitting(machine, graphs));
  print({
    columns: [
      ...[{ name: 'model' }, { name: 'run' }],
      ...['tokens, millions', 'steps', 'hours, all weights', 'hours, LoRA'].map(right),
    ],
    rows: hours(machine, runs).map(({ model, label, tokens, steps, hours: each }) => [
      ...[model, label, Math.round(tokens / 1e6).toLocaleString('en-US'), steps.toLocaleString('en-US')],
      ...each.map((value) => value.toFixed(value < 10 ? 1 : 0)),
    ]),
  });
  console.log(
    `Hours of one seed on ${gpus} GPUs at ${teraflops} TFLOP/s and ${writtenPerSecond.toLocaleString('en-US')} written tokens per second each; an even spread over all GPUs is assumed, and lengths of texts are our estimates. None of this was measured.`,
  );
}

const WAYS = ['data parallel', 'ZeRO-1', 'ZeRO-2', 'LoRA'];

/** Says what each GPU would hold, and which type has room for it in which way. */
function printFitting(gpus, rows) {
  print({
    columns: [
      ...[{ name: 'model' }, { name: 'objective' }],
      ...WAYS.map(right),
      ...rows[0].types.map(({ name }) => ({ name })),
    ],
    rows: rows.map(({ model, graph, needed, types }) => [
      ...[model, graph, ...needed.map(gibibytes)],
      ...types.map(({ fits }) => WAYS.filter((_, i) => fits[i]).join(', ') || 'none'),
    ]),
  });
  console.log(
    `GiB of each of ${gpus} GPUs, and what fits on each type. ZeRO-2 saves traffic and no memory here: a backward pass is one graph, at whose end all gradients are there. Weights are not dealt out (ZeRO-3), attention has no fused backward pass, and activations are float32.`,
  );
}

function print(table) {
  console.log(`\n${textTable(table)}\n`);
}
