// Computes stages for `runGrid`, one at a time: node worker.mjs MODULE DIRECTORY BUILD.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const [module, directory, build] = process.argv.slice(2);
// A stage that is resumable finds what an earlier try has left in its directory; others start with an empty one.
const { stages, resumable = [] } = await import(module);

process.on('message', async (task) => {
  try {
    process.send(await compute(task));
  } catch (error) {
    process.send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
process.on('disconnect', () => process.exit());

/** Runs the function of a stage in a directory of its own, which gets its name when everything is in it. */
async function compute({ kind, inputs, id, needs }) {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const run = stages[kind];
  if (run === undefined) throw new Error(`the study has no stage called ${kind}`);
  const target = join(directory, id);
  const temporary = `${target}.part`;
  if (!resumable.includes(kind)) await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const result = await run({
    inputs,
    needs: Object.fromEntries(
      await Promise.all(Object.entries(needs).map(async ([name, need]) => [name, await readStage(need)])),
    ),
    directory: temporary,
  });
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  // Processor time says what a stage costs on an idle machine, whatever else ran beside it here.
  const cpuSeconds = (user + system) / 1e6;
  await writeFile(
    join(temporary, 'result.json'),
    JSON.stringify({ kind, inputs, needs, build, seconds, cpuSeconds, result }),
  );
  await rename(temporary, target);
  return { result };
}

async function readStage(id) {
  const { result } = JSON.parse(await readFile(join(directory, id, 'result.json'), 'utf8'));
  return { directory: join(directory, id), result };
}
