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
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './commands.mjs';
import { compareWithKnown, writeKnown } from './known.mjs';
import { findings, KINDS } from './structure/findings.mjs';


            : undefined;
            ? node.arguments[0]
          : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.argument.literal
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
        ? node.moduleSpecifier
        add('non-null', line);
        before.set(next, node);
        connect(next);
        const message = `${way.join(' -> ')}\n      ${steps.join('\n      ')}`;
        const steps = way.slice(1).map((to, i) => example(graph.get(way[i]).get(to)));
        const way = [start];
        const way = wayAround(names, edges);
        for (let at = node; at !== start; at = before.get(at)) way.unshift(at);
        low.set(node, Math.min(low.get(node), index.get(next)));
        low.set(node, Math.min(low.get(node), low.get(next)));
        queue.push(next);
        return ['node_modules', 'dist', '__fixtures__', '.turbo'].includes(entry.name) ? [] : sourcesOf(path);
        return [start, ...way];
        return { kind: 'folder-circle', where: names.join(' '), names, message };
      .filter((names) => !names.every(isFile))
      .join('/');
      .map((names) => {
      .split(sep)
      const [above, from, to] = sideBySide(name, target);
      const doubled = inner === ts.SyntaxKind.UnknownKeyword || inner === ts.SyntaxKind.AnyKeyword;
      const graph = graphs.get(above);
      const ignored = /biome-ignore lint\/style\/noNonNullAssertion: \S/;
      const inner = node.expression.type.kind;
      const line = lineOf(file, node.end);
      const line = lineOf(file, node.expression.end);
      const path = join(folder, entry.name);
      for (const node of [from, to]) if (!graph.has(node)) graph.set(node, new Map());
      graph.get(from).get(to).push(`${name} -> ${target}`);
      if (![line, lineOf(file, node.getStart())].some((at) => reasonAt(file, at, ignored))) {
      if (!graph.get(from).has(to)) graph.get(from).set(to, []);
      if (!graphs.has(above)) graphs.set(above, new Map());
      if (!index.has(next)) {
      if (doubled && !reasonAt(file, line, /\/\/ \S|\/\*|^\s*\*/)) add('double-assertion', line);
      if (entry.isDirectory()) {
      if (from === to) continue;
      if (inside.has(next) && !before.has(next)) {
      if (isEntry(name) || isEntry(target) || packageOf(name) !== packageOf(target)) continue;
      if (next === start) {
      kind: 'crowded-folder',
      known.has(name),
      message: `${folder}: ${count} files`,
      names: [folder],
      return /\.(ts|mts|mjs|js)$/.test(entry.name) && !/\.test\.|\.d\.ts$/.test(entry.name) ? [path] : [];
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      where: folder,
      }
      } else if (stack.includes(next)) {
      });
    );
    ...crowdedFolders(files),
    ...fileCircles(files),
    ...files.flatMap((file) => [...longFunctions(file), ...assertions(file)]),
    ...folderCircles(files),
    ...packageCircles(files),
    .filter(([folder, count]) => count > MOST_FILES && !(folder in TABLES))
    .filter(({ text }) => !/from 'vitest'/.test(text));
    .flatMap((entry) => {
    .map(([folder, count]) => ({
    .map((path) => parse(path))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    const base = relative(root, resolve(dirname(path), specifier))
    const component = stack.splice(stack.indexOf(node));
    const edges = new Map([...graph].map(([from, to]) => [from, new Set(to.keys())]));
    const first = lineOf(file, node.getStart());
    const folder = name.slice(0, name.lastIndexOf('/'));
    const from = packageOf(name);
    const length = lineOf(file, node.end) - first + 1;
    const message = `${file.name}:${first} ${functionName(node)}: ${length} lines`;
    const message = `${file.name}:${line} ${file.lines[line - 1].trim()}`;
    const ours = /^@gram\/([a-z-]+)/.exec(specifier);
    const specifier =
    const target = [base, base.replace(/\.js$/, '.ts'), `${base}.ts`, `${base}/index.ts`].find((name) =>
    const where = `${file.name} ${functionName(node)}`;
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
    depth < folder.length ? `${above}/${folder[depth]}` : isHouse ? name : above;
    for (const next of edges.get(node) ?? []) {
    for (const target of imports.files) {
    for (const to of imports.packages) if (to !== from) edges.get(from).add(to);
    found.push({ kind, where: file.name, names: [file.name], message });
    found.push({ kind: 'long-function', where, names: [file.name], message, size: length });
    if (!/^packages\/[^/]+\/src\//.test(name)) continue;
    if (!edges.has(from)) edges.set(from, new Set());
    if (!specifier.startsWith('.')) continue;
    if (!ts.isFunctionLike(node) || !node.body) return;
    if (/(^|\/)index\.(ts|mjs)$/.test(name)) continue;
    if (component.length > 1) found.push(component.sort());
    if (length <= MOST_LINES) return;
    if (low.get(node) !== index.get(node)) return;
    if (ours) packages.add(`packages/${ours[1]}`);
    if (specifier && ts.isStringLiteralLike(specifier)) specifiers.push(specifier.text);
    if (target) files.add(target);
    if (ts.isAsExpression(node) && ts.isAsExpression(node.expression)) {
    if (ts.isNonNullExpression(node)) {
    index.set(node, index.size);
    kind: 'file-circle',
    kind: 'package-circle',
    low.set(node, index.get(node));
    message: `${names.join(', ')}: for instance ${wayAround(names, edges).join(' -> ')}`,
    message: wayAround(names, edges).join(' -> '),
    names,
    return circles(edges)
    stack.push(node);
    where: names.join(' '),
    }
    }));
    });
  'crowded-folder': `folders of more than ${MOST_FILES} source files`,
  'double-assertion': '`as unknown as` without a reason',
  'file-circle': 'circles of files',
  'folder-circle': 'circles of folders',
  'long-function': `functions of more than ${MOST_LINES} lines`,
  'non-null': 'non-null assertions without a reason',
  'package-circle': 'circles of packages',
  'packages/cli/src/commands': 'a file for each command',
  'packages/data/src/formats': 'a file for each format of records',
  'packages/engine/src/kernels': 'a file for each group of kernels',
  'packages/model/src/families': 'a file for each family of models',
  'packages/ranking/src/attacks': 'a file for each attack',
  'packages/ranking/src/benchmarks': 'a file for each benchmark',
  'packages/train/src/stages': 'a file for each stage',
  'packages/world/src/families': 'a file for each family of tasks',
  ].filter(({ names }) => names.some(chosen));
  const [folderA, folderB] = [a, b].map((name) => name.split('/').slice(0, -1));
  const above = folderA.slice(0, depth).join('/');
  const add = (kind, line) => {
  const before = new Map();
  const chosen = (name) => folders.some((folder) => name === folder || name.startsWith(`${folder}/`));
  const connect = (node) => {
  const counts = new Map();
  const edges = new Map();
  const edges = new Map(files.map(({ name, imports }) => [name, imports.files]));
  const files = AREAS.flatMap((area) => sourcesOf(join(root, area)))
  const files = new Set();
  const found = [];
  const graphs = new Map();
  const holder = (name, folder) =>
  const index = new Map();
  const inside = new Set([start, ...others]);
  const isHouse = /^(packages|examples)\/[^/]+(\/src)?$|^[^/]+$/.test(above);
  const known = new Set(files.map(({ name }) => name));
  const low = new Map();
  const packages = new Set();
  const parent = node.parent;
  const queue = [start];
  const specifiers = [];
  const stack = [];
  const text = readFileSync(path, 'utf8');
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  for (const file of files) file.imports = importsOf(file, known);
  for (const node of edges.keys()) if (!index.has(node)) connect(node);
  for (const node of queue) {
  for (const specifier of specifiers) {
  for (const { name } of files) {
  for (const { name, imports } of files) {
  if (node.name) return node.name.getText();
  if (ts.isCallExpression(parent)) return `the function given to ${parent.expression.getText().slice(0, 40)}`;
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText();
  let depth = 0;
  return 'a function without a name';
  return /\.[a-z]+$/.test(name);
  return /^packages\/[^/]+\/src\/index\.ts$/.test(name);
  return [
  return [...counts]
  return [...graphs.values()].flatMap((graph) => {
  return [];
  return [above, holder(a, folderA), holder(b, folderB)];
  return circles(edges).map((names) => ({
  return found;
  return name.split('/').slice(0, 2).join('/');
  return others.length === 0 ? first : `${first} (and ${others.length} more)`;
  return pattern.test(lines[line - 1]) || pattern.test(lines[line - 2] ?? '');
  return readdirSync(folder, { withFileTypes: true })
  return tree.getLineAndCharacterOfPosition(position).line + 1;
  return { files, packages };
  return { name: relative(root, path).split(sep).join('/'), path, text, tree, lines: text.split('\n') };
  ts.forEachChild(node, (child) => walk(child, visit));
  visit(node);
  walk(file.tree, (node) => {
  walk(tree, (node) => {
  while (depth < folderA.length && folderA[depth] === folderB[depth]) depth += 1;
  }
  }));
  });
  };
/** A shortest way from the first node of a component back to it. */
/** Folders of which every file is an entry of one table. */
/** One import that makes an edge, and how many more there are. */
/** The lowest folder that holds both files, and what each of them belongs to there. */
/** The sources that a file imports, and the packages of ours. */
/** The strongly connected components of more than one node, by Tarjan's algorithm. */
/** What is wrong in the folders named, relative to the root: `{ kind, where, message }`, `where` without lines. */
/** Whether a comment of this form stands on the line or the one above. */
const AREAS = ['packages', 'examples', 'bench', 'scripts'];
const KINDS = {
const MOST_FILES = 12;
const MOST_LINES = 60;
const TABLES = {
function assertions(file) {
function circles(edges) {
function crowdedFolders(files) {
function example([first, ...others]) {
function fileCircles(files) {
function findings(folders = AREAS) {
function folderCircles(files) {
function functionName(node) {
function importsOf({ path, tree }, known) {
function isEntry(name) {
function isFile(name) {
function lineOf({ tree }, position) {
function longFunctions(file) {
function packageCircles(files) {
function packageOf(name) {
function parse(path) {
function reasonAt({ lines }, line, pattern) {
function sideBySide(a, b) {
function sourcesOf(folder) {
function walk(node, visit) {
function wayAround([start, ...others], edges) {
main(process.argv.slice(2));
}
};

function main(args) {
  const folders = args.filter((arg) => !arg.startsWith('--')).map((arg) => arg.replace(/^\.\/|\/+$/g, ''));
  for (const folder of folders) {
    if (!statSync(join(root, folder), { throwIfNoEntry: false })) {
      console.error(`no such folder: ${folder}`);
      process.exitCode = 1;
      return;
    }
  }
  const all = findings(root, folders);
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
