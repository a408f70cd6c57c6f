// The code blocks of a document, as programs.
//
// Blocks in `ts`, `typescript`, `js` and `javascript` are code that a reader copies. Comments right before a block,
// which a rendered page does not show, say what stands between it and a whole program:
//
//   <!-- continues -->             it goes on from the block before and sees its names
//   <!-- not run: reason -->       it is type-checked only; so is what continues it
//   <!-- given: code -->           code before the block that the reader need not see, such as a file to be read
//   <!-- after: code -->           code after it, such as an assertion on what it computed
//
// A block with those that continue it is one program: the imports come first, each once, and a block that continues
// another lies in a scope inside the other's, so that it may use a name again.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../commands.mjs';

const BLOCK =
  /^((?:[ \t]*<!--(?:(?!-->)[\s\S])*-->\s*?\n)*)[ \t]*```(?:ts|typescript|js|javascript)\b[^\n]*\n([\s\S]*?)^[ \t]*```/gm;

/** The programs of a document: `{ name, parts: [{ code, line, reason }] }`, `reason` where a part is not run. */
export function programsOf(document) {
  return programsIn(readFileSync(join(root, document), 'utf8'), document);
}

export function programsIn(text, document) {
  const programs = [];
  for (const [, comments, code] of text.matchAll(BLOCK)) {
    // Matches are in order, so the next place of the code is that of this match.
    const at = text.indexOf(code, programs.at(-1)?.end ?? 0);
    const part = { ...readComments(comments), code, line: lineAt(text, at) };
    const previous = programs.at(-1);
    if (part.continues && previous) {
      previous.parts.push(part);
      previous.end = at + code.length;
    } else {
      programs.push({ name: `${document}:${part.line}`, document, parts: [part], end: at + code.length });
    }
  }
  return programs;
}

function readComments(comments) {
  const part = { continues: false, reason: undefined, given: '', after: '' };
  for (const [, comment] of comments.matchAll(/<!--([\s\S]*?)-->/g)) {
    const text = comment.trim();
    const [, key, value] = /^(not run|given|after):\s*([\s\S]+)$/.exec(text) ?? [];
    if (text === 'continues') part.continues = true;
    else if (key === 'not run') part.reason = value;
    else if (key !== undefined) part[key] = value;
  }
  return part;
}

function lineAt(text, position) {
  return text.slice(0, position).split('\n').length;
}

/** One module of the parts, and for each of its lines that of the document. */
export function moduleOf(parts) {
  const imports = new Map();
  const body = [];
  for (const [i, { code, line, given, after }] of parts.entries()) {
    if (i > 0) body.push({ text: '{', line });
    for (const [source, counted] of [
      [given, false],
      [code, true],
      [after, false],
    ]) {
      const split = splitImports(source);
      for (const text of split.imports) if (!imports.has(text)) imports.set(text, line);
      body.push(...split.lines.map((text, at) => ({ text, line: counted ? line + at : line })));
    }
  }
  if (parts.length > 1) body.push({ text: '}'.repeat(parts.length - 1), line: parts.at(-1).line });
  const lines = [
    ...[...imports].map(([text, line]) => ({ text, line })),
    ...body,
    { text: 'export {};', line: 0 },
  ];
  return { source: lines.map(({ text }) => text).join('\n'), origin: lines.map(({ line }) => line) };
}

/** The imports of a source, one a name, and its lines with blanks in their place. */
function splitImports(source) {
  const tree = ts.createSourceFile('block.ts', source, ts.ScriptTarget.Latest, true);
  const imports = [];
  let rest = source;
  for (const node of tree.statements.filter(ts.isImportDeclaration)) {
    const text = node.getText();
    rest = rest.replace(text, text.replaceAll(/[^\n]/g, ''));
    imports.push(...singleImports(node));
  }
  return { imports, lines: rest === '' ? [] : rest.replace(/\n$/, '').split('\n') };
}

function singleImports(node) {
  const from = node.moduleSpecifier.getText();
  const clause = node.importClause;
  if (clause === undefined) return [node.getText()];
  const type = clause.isTypeOnly ? 'type ' : '';
  const bindings = clause.namedBindings;
  const single = [];
  if (clause.name) single.push(`import ${type}${clause.name.getText()} from ${from};`);
  if (bindings && ts.isNamespaceImport(bindings))
    single.push(`import ${type}${bindings.getText()} from ${from};`);
  else
    for (const name of bindings?.elements ?? [])
      single.push(`import ${type}{ ${name.getText()} } from ${from};`);
  return single;
}
