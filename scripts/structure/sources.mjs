import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

/** Folders of the repository that hold sources. */
export const AREAS = ['packages', 'examples', 'bench', 'reliability', 'scripts'];

/**
 * The sources of the repository at `root`, without tests: `{ name, lines, tree, imports }`, the name relative to the root.
 * `imports` holds the `files` of ours that a source imports and the `packages` of ours, by name.
 */
export function readSources(root) {
  const files = AREAS.map((area) => join(root, area))
    .filter((folder) => existsSync(folder))
    .flatMap(sourcesOf)
    .map((path) => parse(root, path))
    .filter(({ specifiers }) => !specifiers.includes('vitest'));
  const known = new Set(files.map(({ name }) => name));
  return files.map((file) => ({ ...file, imports: importsOf(root, file, known) }));
}

function sourcesOf(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        return ['node_modules', 'dist', '__fixtures__', '.turbo'].includes(entry.name) ? [] : sourcesOf(path);
      }
      return /\.(ts|mts|mjs|js)$/.test(entry.name) && !/\.test\.|\.d\.ts$/.test(entry.name) ? [path] : [];
    });
}

function parse(root, path) {
  const text = readFileSync(path, 'utf8');
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { name: nameOf(root, path), path, tree, lines: text.split('\n'), specifiers: specifiersOf(tree) };
}

/** What a file imports or exports from, as it is written. */
function specifiersOf(tree) {
  const specifiers = [];
  walk(tree, (node) => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
            ? node.arguments[0]
            : undefined;
    if (specifier && ts.isStringLiteralLike(specifier)) specifiers.push(specifier.text);
  });
  return specifiers;
}

/** The sources that a file imports, and the packages of ours. */
function importsOf(root, { path, specifiers }, known) {
  const files = new Set();
  const packages = new Set();
  for (const specifier of specifiers) {
    const ours = /^@gram\/([a-z-]+)/.exec(specifier);
    if (ours) packages.add(`packages/${ours[1]}`);
    if (!specifier.startsWith('.')) continue;
    const base = nameOf(root, resolve(dirname(path), specifier));
    const target = [base, base.replace(/\.js$/, '.ts'), `${base}.ts`, `${base}/index.ts`].find((name) =>
      known.has(name),
    );
    if (target) files.add(target);
  }
  return { files, packages };
}

/** Path relative to the root, with slashes. */
function nameOf(root, path) {
  return relative(root, path).split(sep).join('/');
}

/** Visits a node and all nodes below it. */
export function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** Number of the line that a position lies in. */
export function lineOf({ tree }, position) {
  return tree.getLineAndCharacterOfPosition(position).line + 1;
}
