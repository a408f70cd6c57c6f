// The ways through the code that ARCHITECTURE.md shows: numbered lists of files under headings of the third level. A
// reader opens at most ten files in order, and meets each in one that was opened before: as an import of the file, or
// of a package whose `index.ts` takes the name from it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { root } from '../commands.mjs';

const DOCUMENT = 'ARCHITECTURE.md';
const MOST_FILES = 10;

/** What is wrong with the ways, as `ARCHITECTURE.md: heading: problem`. */
export function brokenWays() {
  const text = readFileSync(join(root, DOCUMENT), 'utf8');
  return text
    .split(/^### /m)
    .slice(1)
    .flatMap((section) => {
      const heading = section.split('\n')[0];
      const files = [...section.split(/^## /m)[0].matchAll(/^\d+\. `([^`]+\.ts)`/gm)].map(([, file]) => file);
      return problemsOf(files).map((problem) => `${DOCUMENT}: ${heading}: ${problem}`);
    });
}

function problemsOf(files) {
  const problems = files.length > MOST_FILES ? [`${files.length} files`] : [];
  const met = new Set(files.slice(0, 1));
  for (const file of files) {
    if (!existsSync(join(root, file))) continue;
    if (!met.has(file)) problems.push(`${file} is not imported by a file before it`);
    for (const imported of importsOf(file)) met.add(imported);
  }
  return problems;
}

/** The files that a file takes names from. */
function importsOf(file) {
  return statementsOf(file).flatMap((node) => {
    const from = node.moduleSpecifier?.text;
    if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) return [];
    if (from?.startsWith('.')) return [resolved(file, from)];
    const ours = /^@gram\/([a-z]+)$/.exec(from ?? '');
    if (!ours || !ts.isImportDeclaration(node)) return [];
    const names = node.importClause?.namedBindings?.elements ?? [];
    const entry = `packages/${ours[1]}/src/index.ts`;
    return names.flatMap(({ name, propertyName }) => sourcesOf(entry, (propertyName ?? name).text));
  });
}

/** The file that an `index.ts` takes a name from. */
function sourcesOf(entry, name) {
  return statementsOf(entry).flatMap((node) => {
    if (!ts.isExportDeclaration(node) || !node.moduleSpecifier) return [];
    const from = node.moduleSpecifier.text;
    const names =
      node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : undefined;
    if (names && !names.some((element) => element.name.text === name)) return [];
    const ours = /^@gram\/([a-z]+)$/.exec(from);
    if (ours) return sourcesOf(`packages/${ours[1]}/src/index.ts`, name);
    return names ? [resolved(entry, from)] : [];
  });
}

function statementsOf(file) {
  const path = join(root, file);
  return ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest).statements;
}

function resolved(file, specifier) {
  return relative(root, join(root, dirname(file), specifier))
    .replaceAll('\\', '/')
    .replace(/\.js$/, '.ts');
}
