// The names that the packages export, against the documents that should have them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { root } from '../commands.mjs';

/** The names that no README has, as `packages/x/README.md name`. */
export function missingNames() {
  return readdirSync(join(root, 'packages')).flatMap((name) => {
    const folder = join(root, 'packages', name);
    const entry = join(folder, 'src', 'index.ts');
    const readme = join(folder, 'README.md');
    if (!existsSync(entry) || !existsSync(readme)) return [];
    const words = codeWords(readFileSync(readme, 'utf8'));
    return exportedNames(entry)
      .filter((exported) => !words.has(exported))
      .sort()
      .map((exported) => `packages/${name}/README.md ${exported}`);
  });
}

/** The names that a source exports. Those that it takes from another package are left to that package's README. */
function exportedNames(path) {
  const tree = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  return tree.statements.flatMap((node) => {
    if (ts.isExportDeclaration(node)) {
      if (node.moduleSpecifier?.text.startsWith('@gram/')) return [];
      if (node.exportClause && ts.isNamedExports(node.exportClause)) {
        return node.exportClause.elements.map((element) => element.name.text);
      }
      if (node.exportClause) return [node.exportClause.name.text];
      const specifier = node.moduleSpecifier.text;
      if (!specifier.startsWith('.')) return [];
      return exportedNames(join(dirname(path), specifier.replace(/\.js$/, '.ts')));
    }
    if (!ts.canHaveModifiers(node)) return [];
    const isExported = ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!isExported) return [];
    if (ts.isVariableStatement(node)) {
      return node.declarationList.declarations.map(({ name }) => name.getText());
    }
    return node.name ? [node.name.text] : [];
  });
}

/** The words in the code of a document, in its blocks and in its lines. */
function codeWords(text) {
  const code = [...text.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map(([match]) => match).join(' ');
  return new Set(code.match(/[A-Za-z_$][\w$]*/g));
}
