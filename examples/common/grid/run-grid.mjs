import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgress } from '@gram/report';
import { claimOutput } from '@gram/run';
import { buildOf } from './build.mjs';
import { inOrder } from './stage.mjs';

const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url));

/**
 * Computes stages and all that they need, those first that others wait for. What was computed before is read from its
 * directory, so a study that was stopped goes on where it was.
 *
 * Each worker is a process with one thread: for models of a million parameters two of them do more than one with two threads.
 *
 * @param module URL of the module whose `stages` are the functions of the study, by kind
 * @param targets stages whose results are wanted
 * @param directory where the results of stages are kept
 * @param workers number of stages that are computed at the same time
 * @param label says what is running
 * @returns a function that gives the result of a stage, and how many results come from another build of gram
 * @throws {RunError} `in-use` when another study computes stages in the same directory
 */
export async function runGrid({ module, targets, directory, workers = 2, label }) {
  const claim = await claimOutput(directory);
  try {
    return await readOrCompute({ module, targets, directory, workers, label });
  } finally {
    await claim.release();
  }
}

async function readOrCompute({ module, targets, directory, workers, label }) {
  const build = await buildOf(module);
  const stages = inOrder(targets);
  const results = new Map();
  let foreign = 0;
  for (const { id } of stages) {
    const path = join(directory, id, 'result.json');
    if (!existsSync(path)) continue;
    const saved = JSON.parse(await readFile(path, 'utf8'));
    results.set(id, saved.result);
    if (saved.build !== build) foreign++;
  }
  const waiting = stages.filter(({ id }) => !results.has(id));
  if (waiting.length > 0) await compute({ waiting, results, module, directory, workers, label, build });
  return { resultOf: ({ id }) => results.get(id), foreign, total: stages.length };
}

async function compute({ waiting, results, module, directory, workers, label, build }) {
  const total = results.size + waiting.length;
  const progress = createProgress({ label, total, unit: 'stages' });
  progress.update(results.size);
  const isReady = ({ needs }) => Object.values(needs).every(({ id }) => results.has(id));
  const running = new Set();
  const stop = new AbortController();
  const work = async (worker) => {
    for (;;) {
      if (stop.signal.aborted) return;
      const at = waiting.findIndex(isReady);
      if (at >= 0) {
        const [stage] = waiting.splice(at, 1);
        const task = worker.run(stage).finally(() => running.delete(task));
        running.add(task);
        const { result } = await task;
        results.set(stage.id, result);
        progress.update(results.size, { last: stage.kind });
      } else if (waiting.length > 0) {
        // The remaining stages need results that the other workers are computing.
        await Promise.race(running);
      } else return;
    }
  };
  const pool = Array.from({ length: Math.min(workers, waiting.length) }, () =>
    openWorker({ module, directory, build }),
  );
  try {
    await Promise.all(
      pool.map((worker) =>
        work(worker).catch((error) => {
          stop.abort();
          throw error;
        }),
      ),
    );
    progress.finish();
  } finally {
    for (const worker of pool) worker.end();
  }
}

/** Starts a process that computes one stage at a time. It ends with this process, whatever ends that. */
function openWorker({ module, directory, build }) {
  const child = fork(WORKER, [module, directory, build], { env: { ...process.env, GRAM_THREADS: '1' } });
  return {
    run(stage) {
      return new Promise((resolve, reject) => {
        const settle = (done) => {
          child.off('message', onMessage);
          child.off('exit', onExit);
          done();
        };
        const onMessage = (reply) =>
          settle(() => (reply.error === undefined ? resolve(reply) : reject(failed(stage, reply.error))));
        const onExit = (code, signal) =>
          settle(() => reject(failed(stage, `its process ended with ${signal ?? `code ${code}`}`)));
        child.on('message', onMessage);
        child.on('exit', onExit);
        const { kind, inputs, id } = stage;
        const needs = Object.fromEntries(Object.entries(stage.needs).map(([name, need]) => [name, need.id]));
        child.send({ kind, inputs, id, needs });
      });
    },
    end: () => child.kill(),
  };
}

function failed({ id }, message) {
  return Object.assign(new Error(`the stage ${id} failed: ${message}`), {
    hint: 'mend the cause and run the same command: finished stages are kept',
  });
}
