// Type-checks programs as a user's project would: `strict`, the built declarations of the packages, and the
// declarations of everything that they import (no `skipLibCheck`).
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../commands.mjs';
import { moduleOf } from './blocks.mjs';

/** Inside the repository, because the packages are found from here. */
const folder = join(root, 'node_modules', '.gram-documents', 'types');

/** Errors in the declarations of others: a part of the path, the code, a part of the message, and why. */
const UPSTREAM = [
  {
    path: '/tfjs-core/dist/hash_util.d.ts',
    code: 2304,
    message: "'Long'",
    reason: 'it uses the global of @types/long, which it depends on, without a reference to it',
  },
];

/** The errors, as `document:line message`; `fromSources` where nothing was built. */
export function typeErrors(programs, fromSources = false) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const modules = new Map();
  for (const [i, { document, parts }] of programs.entries()) {
    const { source, origin } = moduleOf(parts);
    const path = join(folder, `program-${i}.mts`);
    writeFileSync(path, source);
    modules.set(path, { document, origin });
  }
  // The declarations of every package, whether or not a document imports it.
  const everything = join(folder, 'everything.mts');
  const names = readdirSync(join(root, 'packages')).filter((name) => name !== 'cli');
  writeFileSync(everything, names.map((name) => `import '@gram/${name}';`).join('\n'));
  const program = ts.createProgram([...modules.keys(), everything], {
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    ...(fromSources && {
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      baseUrl: root,
      paths: { '@gram/*': ['./packages/*/src/index.ts'] },
    }),
  });
  return (
    ts
      .getPreEmitDiagnostics(program)
      .filter((diagnostic) => !isUpstream(diagnostic))
      // The sources have options of their own, and a check of their own.
      .filter(({ file }) => !fromSources || modules.has(join(file?.fileName ?? '')))
      .map((diagnostic) => describe(diagnostic, modules))
  );
}

function isUpstream({ file, code, messageText }) {
  const message = ts.flattenDiagnosticMessageText(messageText, ' ');
  return UPSTREAM.some(
    (known) => file?.fileName.includes(known.path) && code === known.code && message.includes(known.message),
  );
}

function describe({ file, start, code, messageText }, modules) {
  const message = `TS${code} ${ts.flattenDiagnosticMessageText(messageText, '\n    ')}`;
  if (!file) return message;
  const { line } = file.getLineAndCharacterOfPosition(start);
  const module = modules.get(join(file.fileName));
  const place = module ? `${module.document}:${module.origin[line]}` : `${file.fileName}:${line + 1}`;
  return `${place} ${message}`;
}
