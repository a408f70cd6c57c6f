#!/usr/bin/env node
// Lists where the sources leave the shape of the house:
//
//   node scripts/structure.mjs                     the whole repository
//   node scripts/structure.mjs packages/train ...  only what lies in these folders
//   --json                                         the findings as JSON
//   --known                                        only what known-findings.json does not list; as `npm test` does
//   --write-known                                  makes the findings the known ones
//
// Tests are left out of everything: `*.test.*`, `__fixtures__` and what imports vitest.
//
// Circles of files. An edge is an import, an export from, an import() or a type import.
//
// Circles of folders, in each package. Two things lie side by side in a folder: its own files, taken together,
// and each of its subfolders, taken whole. An import is an edge between the two that lie side by side in the
// lowest folder which holds both files; a circle of such edges is listed. So `a/b` may not import from `a` if a
// file of `a` imports from `a/b`, and `a/b` may not import from `c` if `c` imports from `a/d`. `src` is the
// house and not a room: each file that lies directly in it stands for itself, so that `src/error.ts` can serve
// a folder which `src/main.ts` uses. The package's `src/index.ts` has no edges: it is what the others see.
//
// Circles of packages. An edge is an import of `@gram/…`; a type import counts like the others.
//
// Crowded folders: more than 12 source files side by side, without `index.ts`. A table
// of one kind, where every file is an entry and one of them or the folder above lists them, may be longer; TABLES
// names those.
//
// Long functions: more than 60 lines from the first line of the function (without its doc comment) to its
// last. A function inside another one counts for itself, and counts as lines of the other one too.
//
// Assertions without a reason: `value!` without `biome-ignore lint/style/noNonNullAssertion: reason`, and
// `as unknown as` without a comment, on the same line or the one above.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';
import { root } from './commands.mjs';
import { compareWithKnown, writeKnown } from './known.mjs';

const MOST_FILES = 12;
const MOST_LINES = 60;
const AREAS = ['packages', 'examples', 'bench', 'scripts'];

/** Folders of which every file is an entry of one table. */
const TABLES = {
  'packages/cli/src/commands': 'a file for each command',
  'packages/engine/src/kernels': 'a file for each group of kernels',
  'packages/model/src/families': 'a file for each family of models',
  'packages/ranking/src/attacks': 'a file for each attack',
  'packages/ranking/src/benchmarks': 'a file for each benchmark',
  'packages/train/src/stages': 'a file for each stage',
  'packages/world/src/families': 'a file for each family of tasks',
};

const KINDS = {
  'file-circle': 'circles of files',
  'folder-circle': 'circles of folders',
  'package-circle': 'circles of packages',
  'crowded-folder': `folders of more than ${MOST_FILES} source files`,
  'long-function': `functions of more than ${MOST_LINES} lines`,
  'non-null': 'non-null assertions without a reason',
  'double-assertion': '`as unknown as` without a reason',
};

/** What is wrong in the folders named, relative to the root: `{ kind, where, message }`, `where` without lines. */
function findings(folders = AREAS) {
  const files = AREAS.flatMap((area) => sourcesOf(join(root, area)))
    .map((path) => parse(path))
    .filter(({ text }) => !/from 'vitest'/.test(text));
  const known = new Set(files.map(({ name }) => name));
  for (const file of files) file.imports = importsOf(file, known);
  const chosen = (name) => folders.some((folder) => name === folder || name.startsWith(`${folder}/`));
  return [
    ...fileCircles(files),
    ...folderCircles(files),
    ...packageCircles(files),
    ...crowdedFolders(files),
    ...files.flatMap((file) => [...longFunctions(file), ...assertions(file)]),
  ].filter(({ names }) => names.some(chosen));
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

function parse(path) {
  const text = readFileSync(path, 'utf8');
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { name: relative(root, path).split(sep).join('/'), path, text, tree, lines: text.split('\n') };
}

/** The sources that a file imports, and the packages of ours. */
function importsOf({ path, tree }, known) {
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
  const files = new Set();
  const packages = new Set();
  for (const specifier of specifiers) {
    const ours = /^@gram\/([a-z-]+)/.exec(specifier);
    if (ours) packages.add(`packages/${ours[1]}`);
    if (!specifier.startsWith('.')) continue;
    const base = relative(root, resolve(dirname(path), specifier))
      .split(sep)
      .join('/');
    const target = [base, base.replace(/\.js$/, '.ts'), `${base}.ts`, `${base}/index.ts`].find((name) =>
      known.has(name),
    );
    if (target) files.add(target);
  }
  return { files, packages };
}

function fileCircles(files) {
  const edges = new Map(files.map(({ name, imports }) => [name, imports.files]));
  return circles(edges).map((names) => ({
    kind: 'file-circle',
    where: names.join(' '),
    names,
    message: `${names.join(', ')}: for instance ${wayAround(names, edges).join(' -> ')}`,
  }));
}

function folderCircles(files) {
  const graphs = new Map();
  for (const { name, imports } of files) {
    for (const target of imports.files) {
      if (isEntry(name) || isEntry(target) || packageOf(name) !== packageOf(target)) continue;
      const [above, from, to] = sideBySide(name, target);
      if (from === to) continue;
      if (!graphs.has(above)) graphs.set(above, new Map());
      const graph = graphs.get(above);
      for (const node of [from, to]) if (!graph.has(node)) graph.set(node, new Map());
      if (!graph.get(from).has(to)) graph.get(from).set(to, []);
      graph.get(from).get(to).push(`${name} -> ${target}`);
    }
  }
  return [...graphs.values()].flatMap((graph) => {
    const edges = new Map([...graph].map(([from, to]) => [from, new Set(to.keys())]));
    return circles(edges)
      .filter((names) => !names.every(isFile))
      .map((names) => {
        const way = wayAround(names, edges);
        const steps = way.slice(1).map((to, i) => example(graph.get(way[i]).get(to)));
        const message = `${way.join(' -> ')}\n      ${steps.join('\n      ')}`;
        return { kind: 'folder-circle', where: names.join(' '), names, message };
      });
  });
}

/** One import that makes an edge, and how many more there are. */
function example([first, ...others]) {
  return others.length === 0 ? first : `${first} (and ${others.length} more)`;
}

/** The lowest folder that holds both files, and what each of them belongs to there. */
function sideBySide(a, b) {
  const [folderA, folderB] = [a, b].map((name) => name.split('/').slice(0, -1));
  let depth = 0;
  while (depth < folderA.length && folderA[depth] === folderB[depth]) depth += 1;
  const above = folderA.slice(0, depth).join('/');
  const isHouse = /^(packages|examples)\/[^/]+(\/src)?$|^[^/]+$/.test(above);
  const holder = (name, folder) =>
    depth < folder.length ? `${above}/${folder[depth]}` : isHouse ? name : above;
  return [above, holder(a, folderA), holder(b, folderB)];
}

function packageCircles(files) {
  const edges = new Map();
  for (const { name, imports } of files) {
    if (!/^packages\/[^/]+\/src\//.test(name)) continue;
    const from = packageOf(name);
    if (!edges.has(from)) edges.set(from, new Set());
    for (const to of imports.packages) if (to !== from) edges.get(from).add(to);
  }
  return circles(edges).map((names) => ({
    kind: 'package-circle',
    where: names.join(' '),
    names,
    message: wayAround(names, edges).join(' -> '),
  }));
}

function crowdedFolders(files) {
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

function longFunctions(file) {
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

function assertions(file) {
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

function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function lineOf({ tree }, position) {
  return tree.getLineAndCharacterOfPosition(position).line + 1;
}

function isEntry(name) {
  return /^packages\/[^/]+\/src\/index\.ts$/.test(name);
}

function isFile(name) {
  return /\.[a-z]+$/.test(name);
}

function packageOf(name) {
  return name.split('/').slice(0, 2).join('/');
}

/** The strongly connected components of more than one node, by Tarjan's algorithm. */
function circles(edges) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const connect = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) {
        connect(next);
        low.set(node, Math.min(low.get(node), low.get(next)));
      } else if (stack.includes(next)) {
        low.set(node, Math.min(low.get(node), index.get(next)));
      }
    }
    if (low.get(node) !== index.get(node)) return;
    const component = stack.splice(stack.indexOf(node));
    if (component.length > 1) found.push(component.sort());
  };
  for (const node of edges.keys()) if (!index.has(node)) connect(node);
  return found;
}

/** A shortest way from the first node of a component back to it. */
function wayAround([start, ...others], edges) {
  const inside = new Set([start, ...others]);
  const before = new Map();
  const queue = [start];
  for (const node of queue) {
    for (const next of edges.get(node) ?? []) {
      if (next === start) {
        const way = [start];
        for (let at = node; at !== start; at = before.get(at)) way.unshift(at);
        return [start, ...way];
      }
      if (inside.has(next) && !before.has(next)) {
        before.set(next, node);
        queue.push(next);
      }
    }
  }
  return [];
}

function main(args) {
  const folders = args.filter((arg) => !arg.startsWith('--')).map((arg) => arg.replace(/^\.\/|\/+$/g, ''));
  for (const folder of folders) {
    if (!statSync(join(root, folder), { throwIfNoEntry: false })) {
      console.error(`no such folder: ${folder}`);
      process.exitCode = 1;
      return;
    }
  }
  const all = findings(folders.length > 0 ? folders : undefined);
  const keyOf = ({ kind, where }) => `${kind} ${where}`;
  if (args.includes('--write-known')) return writeKnown('structure', all.map(keyOf));
  const isKnown = args.includes('--known');
  const { added, stale } = compareWithKnown('structure', all.map(keyOf));
  const found = isKnown ? all.filter((finding) => added.includes(keyOf(finding))) : all;
  if (args.includes('--json')) console.log(JSON.stringify(found, undefined, 1));
  else print(found, all.length - found.length);
  if (isKnown && stale.length > 0) {
    console.log(`\nknown and no longer found (use --write-known):\n  ${stale.join('\n  ')}`);
  }
  process.exitCode = found.length > 0 || (isKnown && stale.length > 0) ? 1 : 0;
}

function print(found, known) {
  for (const [kind, title] of Object.entries(KINDS)) {
    const these = found.filter((finding) => finding.kind === kind);
    if (these.length === 0) continue;
    console.log(`\n${title}: ${these.length}`);
    for (const { message } of these) console.log(`  ${message}`);
  }
  console.log(`\nstructure: ${found.length} findings${known > 0 ? ` and ${known} that are known` : ''}`);
}

if (process.argv[1] && resolve(process.argv[1]) === join(root, 'scripts', 'structure.mjs')) {
  main(process.argv.slice(2));
}
