import { fileCircles, folderCircles, packageCircles } from './circles.mjs';
import { assertions, crowdedFolders, longFunctions, MOST_FILES, MOST_LINES } from './shape.mjs';
import { readSources } from './sources.mjs';

/** Kinds of findings, as their headings name them. */
export const KINDS = {
  'file-circle': 'circles of files',
  'folder-circle': 'circles of folders',
  'package-circle': 'circles of packages',
  'crowded-folder': `folders of more than ${MOST_FILES} source files`,
  'long-function': `functions of more than ${MOST_LINES} lines`,
  'non-null': 'non-null assertions without a reason',
  'double-assertion': '`as unknown as` without a reason',
};

/**
 * What is wrong in the repository at `root`: `{ kind, where, message }`, `where` without lines.
 *
 * @param folders the folders to look at, relative to the root; all of them by default
 */
export function findings(root, folders = []) {
  const files = readSources(root);
  const isChosen = (name) => folders.some((folder) => name === folder || name.startsWith(`${folder}/`));
  return [
    ...fileCircles(files),
    ...folderCircles(files),
    ...packageCircles(files),
    ...crowdedFolders(files),
    ...files.flatMap((file) => [...longFunctions(file), ...assertions(file)]),
  ].filter(({ names }) => folders.length === 0 || names.some(isChosen));
}
