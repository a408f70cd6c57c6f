import ts from 'typescript';
import { lineOf, walk } from './sources.mjs';

export const MOST_FILES = 12;
export const MOST_LINES = 60;

/** Folders of which every file is an entry of one table. */
const TABLES = {
  'packages/cli/src/commands': 'a file for each command',
  'packages/data/src/formats': 'a file for each format of records',
  'packages/engine/src/kernels': 'a file for each group of kernels',
  'packages/model/src/families': 'a file for each family of models',
  'packages/ranking/src/attacks': 'a file for each attack',
  'packages/ranking/src/benchmarks': 'a file for each benchmark',
  'packages/train/src/stages': 'a file for each stage',
  'packages/world/src/families': 'a file for each family of tasks',
};

/** Folders that hold more files than one overlooks. */
export function crowdedFolders(files) {
  const counts = new Map();
  for (const { name } of files) {
    if (/(^|\/)index\.(ts|mjs)$/.test(name)) continue;
    const folder = name.slice(0, name.lastIndexOf('/'));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([folder, count]) => count > MOST_FILES && !(folder in TABLES))
    .map(([folder, count]) => ({
      kind: 'crowded-folder',
      where: folder,
      names: [folder],
      message: `${folder}: ${count} files`,
    }));
}

/** Functions of a file that are too long. */
export function longFunctions(file) {
  const found = [];
  walk(file.tree, (node) => {
    if (!ts.isFunctionLike(node) || !node.body) return;
    const first = lineOf(file, node.getStart());
    const length = lineOf(file, node.end) - first + 1;
    if (length <= MOST_LINES) return;
    const where = `${file.name} ${functionName(node)}`;
    const message = `${file.name}:${first} ${functionName(node)}: ${length} lines`;
    found.push({ kind: 'long-function', where, names: [file.name], message, size: length });
  });
  return found;
}

function functionName(node) {
  const parent = node.parent;
  if (node.name) return node.name.getText();
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText();
  if (ts.isCallExpression(parent)) return `the function given to ${parent.expression.getText().slice(0, 40)}`;
  return 'a function without a name';
}

/** Assertions of a file that no comment explains. */
export function assertions(file) {
  const found = [];
  const add = (kind, line) => {
    const message = `${file.name}:${line} ${file.lines[line - 1].trim()}`;
    found.push({ kind, where: file.name, names: [file.name], message });
  };
  walk(file.tree, (node) => {
    if (ts.isNonNullExpression(node)) {
      const line = lineOf(file, node.end);
      const ignored = /biome-ignore lint\/style\/noNonNullAssertion: \S/;
      if (![line, lineOf(file, node.getStart())].some((at) => reasonAt(file, at, ignored))) {
        add('non-null', line);
      }
    }
    if (ts.isAsExpression(node) && ts.isAsExpression(node.expression)) {
      const inner = node.expression.type.kind;
      const line = lineOf(file, node.expression.end);
      const doubled = inner === ts.SyntaxKind.UnknownKeyword || inner === ts.SyntaxKind.AnyKeyword;
      if (doubled && !reasonAt(file, line, /\/\/ \S|\/\*|^\s*\*/)) add('double-assertion', line);
    }
  });
  return found;
}

/** Whether a comment of this form stands on the line or the one above. */
function reasonAt({ lines }, line, pattern) {
  return pattern.test(lines[line - 1]) || pattern.test(lines[line - 2] ?? '');
}
