// Runs that come to their end without being stopped: others are compared with them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyOf, shopOnce, start } from './workshop.mjs';

const wholes = new Map();

/** The time that a run of a kind takes and the content of the files of its result; each kind is run once. */
export function wholeOf(kind) {
  if (!wholes.has(kind.name)) wholes.set(kind.name, runWhole(kind));
  return wholes.get(kind.name);
}

/** The files of the result at a place that are not those of a run that nothing happened to. */
export function differingFiles(kind, place, whole) {
  return kind.result.filter((file) => contentOf(place, file) !== whole.files.get(file));
}

async function runWhole({ name, command, result }) {
  const folder = mkdtempSync(join(tmpdir(), 'gram-straight-'));
  try {
    const place = copyOf(await shopOnce(), join(folder, 'place'));
    const started = performance.now();
    const { how, stderr } = await start(command, place).ended;
    if (how !== 0) throw new Error(`${name} fails although nothing happens to it: ${stderr}`);
    const milliseconds = performance.now() - started;
    return { milliseconds, files: new Map(result.map((file) => [file, contentOf(place, file)])) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function contentOf(place, file) {
  try {
    return readFileSync(join(place, file)).toString('base64');
  } catch {
    return undefined;
  }
}
