import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bin, built } from './__fixtures__/child.js';
import { commandTable } from './command-table.js';

const packages = fileURLToPath(new URL('../../', import.meta.url));

/** Packages and files that a source file imports before anything of it runs, directly or through others. */
function staticImports(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  const source = readFileSync(path, 'utf8').replace(/^(import|export) type [^;]*;/gm, '');
  for (const [, specifier = ''] of source.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)';/gm)) {
    if (specifier.startsWith('.'))
      staticImports(resolve(dirname(path), specifier.replace(/js$/, 'ts')), seen);
    else if (specifier.startsWith('@gram/'))
      staticImports(`${packages}${specifier.slice(6)}/src/index.ts`, seen);
    else seen.add(specifier);
  }
  return seen;
}

/** Median of the seconds of processor time that seven runs of Node take. */
function processorTime(argv: readonly string[]): number {
  const report =
    'process.on("exit",()=>{const {user,system}=process.cpuUsage();process.stderr.write(String(user+system))})';
  const runs = Array.from({ length: 7 }, () => {
    const { stderr } = spawnSync(process.execPath, ['--import', `data:text/javascript,${report}`, ...argv]);
    return Number(stderr) / 1e6;
  });
  return runs.sort((a, b) => a - b)[3] ?? Number.NaN;
}

describe('gram --help', () => {
  it('imports nothing but Node, the ground package and two small ones', () => {
    const found = [...staticImports(fileURLToPath(new URL('./bin.ts', import.meta.url)))];
    const external = found.filter((name) => !name.startsWith('/') && !name.startsWith('node:'));
    expect(new Set(external.map((name) => name.split('/')[0]))).toEqual(
      new Set(['fastest-levenshtein', 'pure-rand']),
    );
    const used = found.filter((name) => name.startsWith(packages)).map((name) => name.slice(packages.length));
    expect(new Set(used.map((name) => name.split('/')[0]))).toEqual(new Set(['cli', 'base']));
    expect(used.filter((name) => name.startsWith('cli/src/commands/'))).toEqual([]);
  });

  // The source cannot be started by Node; `npm test` builds first. Other processes can lengthen a run, so it may be repeated.
  it.skipIf(!built)('takes little more processor time than Node alone', { retry: 2, timeout: 60_000 }, () => {
    expect(processorTime([bin, '--help']) / processorTime(['-e', '0'])).toBeLessThan(5);
  });
});

describe('the table of commands', () => {
  it('has each name once, in the words of one sentence', () => {
    const names = commandTable.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { summary } of commandTable) expect(summary).toMatch(/^[A-Z].*[^.]\.$/);
  });
});
