// What a run of the suite has come to, in a file: a command that ends early goes on from it when it is given again.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Opens the progress in a folder.
 *
 * @param wanted what identifies a run, such as its seed; the progress of another one is not gone on from
 * @returns `known(key)` for what an item came to, `note(key, result)`, `save()`, and `remove()` once all is done
 */
export function openProgress(folder, wanted) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'progress.json');
  const found = read(path);
  const isSame = found !== undefined && JSON.stringify(found.wanted) === JSON.stringify(wanted);
  const items = isSame ? found.items : {};
  let saved = 0;
  const save = () => {
    saved = Date.now();
    writeFileSync(`${path}.tmp`, JSON.stringify({ wanted, items }));
    renameSync(`${path}.tmp`, path);
  };
  return {
    isResumed: isSame,
    known: (key) => items[key],
    note(key, result) {
      items[key] = result;
      if (Date.now() - saved > 2000) save();
    },
    save,
    remove: () => rmSync(path, { force: true }),
  };
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
