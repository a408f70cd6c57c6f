// Ends runs at random moments, from the first millisecond on, and starts the same command again until it is done.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createRandom } from '@gram/base';
import { kinds } from './kinds.mjs';
import { differingFiles, wholeOf } from './whole-runs.mjs';
import { copyOf, shopOnce, start } from './workshop.mjs';

/** Starts of one run that are stopped, after which it is left alone: one that is always stopped at once is never done. */
const MAX_STOPS = 12;
const MAX_FAULTS = 5;
/** Files of a run that is under way. Whoever finds them after its end would have to clean up by hand. */
const LEFTOVER = /\.gram-(tmp|old)$|^run\.lock$/;
/** What the end of a process that was told to stop may look like: killed, stopped in order, or done before. */
const EXPECTED = { SIGKILL: ['SIGKILL', 0], SIGTERM: ['SIGTERM', 0, 130, 143] };

/** The stops of each kind of run, as items of a suite: their name, and how far they are from their count. */
export function stopItems(counts) {
  return kinds.flatMap((kind) =>
    Object.entries(counts).map(([signal, count]) => ({
      key: `${kind.name}, ${signal}`,
      kind,
      signal,
      count,
    })),
  );
}

/**
 * Stops one run of an item again and again until it has come to its end. Called until the item has its count.
 *
 * @param known what an earlier call came to; it goes on from there
 * @returns the number of stops, of runs that they fell into and went on to the end with the same bytes, and faults
 */
export async function runStops({ kind, signal, count }, { seed, known }) {
  const result = known ?? { name: kind.name, signal, stops: 0, runs: 0, faults: [] };
  if (kind.missing !== undefined) return { ...result, missing: kind.missing, isDone: true };
  const folder = mkdtempSync(join(tmpdir(), 'gram-stops-'));
  try {
    const shop = await shopOnce();
    const whole = await wholeOf(kind);
    const random = createRandom(seed, 'stops', kind.name, signal, result.runs);
    const place = copyOf(shop, join(folder, 'run'));
    const left = count - result.stops;
    const { stops, faults } = await stopOften(kind, { place, random, signal, left, whole });
    result.stops += stops;
    result.runs++;
    result.faults.push(...faults.map((detail) => ({ stops: result.stops, detail })));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  result.isDone = result.stops >= count || result.faults.length >= MAX_FAULTS;
  return result;
}

/** Stops one run again and again, lets it come to its end and compares. */
async function stopOften(kind, { place, random, signal, left, whole }) {
  const faults = [];
  let stops = 0;
  for (let attempt = 0; ; attempt++) {
    const { child, ended } = start(kind.command, place);
    const isLast = attempt >= MAX_STOPS || stops >= left;
    let aimed = child.pid;
    if (!isLast) {
      await Promise.race([wait(random.uniform() * whole.milliseconds), ended]);
      aimed = random.pick(kind.victims?.(child.pid) ?? [child.pid]);
      if (child.exitCode === null && child.signalCode === null && send(aimed, signal)) stops++;
    }
    const { how, stderr } = await ended;
    // A launcher has its own words for a process that it lost.
    const isExpected = isLast ? how === 0 : EXPECTED[signal].includes(how) || kind.victims !== undefined;
    const isFault = !isExpected || /unexpected error/.test(stderr);
    if (isFault) faults.push(`ended with ${how}: ${stderr}`);
    if (how === 0 || isLast || isFault) break;
  }
  const differing = differingFiles(kind, place, whole);
  if (differing.length > 0) faults.push(`other bytes in ${differing}`);
  const names = readdirSync(place, { recursive: true }).filter((name) =>
    LEFTOVER.test(name.split('/').at(-1)),
  );
  if (names.length > 0) faults.push(`left behind: ${names}`);
  return { stops, faults };
}

/** Sends a signal; false where the process has ended. */
function send(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
