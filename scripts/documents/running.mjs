// Runs programs with the built packages, each in a process and a folder of its own that holds the example files.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../commands.mjs';
import { moduleOf } from './blocks.mjs';
import { writeExampleFiles } from './models.mjs';

/** Inside the repository, because the packages are found from here. */
const folder = join(root, 'node_modules', '.gram-documents', 'run');
const WORKERS = 2;
const TIMEOUT_MS = 120_000;

/** The parts of a program that are run: those before the first that says why it is not. */
export function partsToRun({ parts }) {
  const end = parts.findIndex(({ reason }) => reason !== undefined);
  return end < 0 ? parts : parts.slice(0, end);
}

/** What went wrong, as text that begins with the place of the program. */
export async function runErrors(programs) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'gram-documents-'));
  try {
    const files = join(work, 'files');
    await writeExampleFiles(files);
    const queue = [...programs.entries()];
    const errors = [];
    const worker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [i, program] = next;
        const cwd = join(work, String(i));
        cpSync(files, cwd, { recursive: true });
        const error = await runProgram(program, join(folder, `program-${i}.mjs`), cwd);
        if (error !== undefined) errors.push(error);
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
    return errors;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function runProgram(program, path, cwd) {
  const { source } = moduleOf(partsToRun(program));
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  writeFileSync(path, ts.transpileModule(source, { compilerOptions }).outputText);
  const { code, output } = await runNode(path, cwd);
  if (code === 0) return undefined;
  return `${program.name} ended with ${code ?? `no exit code after ${TIMEOUT_MS / 1000} s`}:\n${output.slice(-3000)}`;
}

function runNode(path, cwd) {
  return new Promise((done) => {
    // A home of its own: an example leaves nothing in that of whoever runs the check.
    const env = { ...process.env, HOME: cwd };
    const child = spawn(process.execPath, [path], { cwd, env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
    const chunks = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
    child.on('close', (code) => done({ code, output: Buffer.concat(chunks).toString() }));
  });
}
