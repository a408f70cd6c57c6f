import { readdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { basename, join, relative } from 'node:path';

/**
 * Every file below the directory of a run with a hash of its bytes, but those of TensorBoard, which say when each step was.
 * The model card has the name of the directory, which is taken out.
 */
export function contents(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  const bytes = (path: string) =>
    path.endsWith('README.md') ? readFileSync(path, 'utf8').replace(basename(directory), '') : readFileSync(path);
  return Object.fromEntries(
    paths
      .filter((path) => !path.includes('tfevents'))
      .map((path) => [relative(directory, path), createHash('sha256').update(bytes(path)).digest('hex')]),
  );
}
