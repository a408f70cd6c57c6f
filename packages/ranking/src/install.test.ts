import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createRewardServer } from '@gram/serve';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rewardModelFromFunction } from './models/from-function.js';

const run = promisify(execFile);
const packages = fileURLToPath(new URL('../../', import.meta.url));
const shell = process.platform === 'win32';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gram-install-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Packs a package of ours as it is published, compiled file by file, and returns the tarball. */
async function pack(name: string): Promise<string> {
  const source = join(packages, name);
  const staged = join(folder, 'staged', name);
  for (const path of await filesIn(join(source, 'src'))) {
    if (/\.test\.ts$|__fixtures__/.test(path)) continue;
    const inside = relative(join(source, 'src'), path);
    const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
    const { outputText } = ts.transpileModule(await readFile(path, 'utf8'), { compilerOptions: options });
    const out = join(staged, 'dist', inside.replace(/\.ts$/, '.js'));
    await mkdir(dirname(out), { recursive: true });
    await writeFile(out, outputText);
    await cp(path, join(staged, 'src', inside));
  }
  await cp(join(source, 'README.md'), join(staged, 'README.md'));
  const { scripts, devDependencies, ...manifest } = JSON.parse(
    await readFile(join(source, 'package.json'), 'utf8'),
  );
  for (const group of [manifest.dependencies, manifest.peerDependencies]) {
    for (const dependency of Object.keys(group ?? {})) group[dependency] = '*';
  }
  await writeFile(join(staged, 'package.json'), JSON.stringify(manifest));
  return npmPack(staged);
}

/** Packs what the package manager installed at a place, and what that needs; npm does not pack a folder of node_modules. */
async function packInstalled(place: string): Promise<string[]> {
  const installed = await realpath(place);
  const { scripts, devDependencies, ...manifest } = JSON.parse(
    await readFile(join(installed, 'package.json'), 'utf8'),
  );
  const staged = join(folder, 'staged', manifest.name);
  await cp(installed, staged, { recursive: true });
  await writeFile(join(staged, 'package.json'), JSON.stringify(manifest));
  // Beside a package lies what it needs.
  const needed = Object.keys(manifest.dependencies ?? {}).map((name) => join(dirname(installed), name));
  const below = await Promise.all(needed.map(packInstalled));
  return [await npmPack(staged), ...below.flat()];
}

async function npmPack(path: string): Promise<string> {
  const { stdout } = await npm(folder, 'pack', '--ignore-scripts', '--silent', path);
  return join(folder, stdout.trim().split('\n').at(-1) ?? '');
}

function npm(cwd: string, ...words: string[]) {
  const env = { ...process.env, npm_config_cache: join(folder, 'cache') };
  return run('npm', words, { cwd, env, shell });
}

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Names of the dependencies that are not ours. */
async function foreignDependencies(name: string): Promise<string[]> {
  const { dependencies = {} } = JSON.parse(await readFile(join(packages, name, 'package.json'), 'utf8'));
  return Object.keys(dependencies).filter((dependency) => !dependency.startsWith('@gram/'));
}

const program = `
import { createRemoteRewardModel, rank, rewardModelFromFunction } from '@gram/ranking';
const responses = ['four', 'a', 'three', 'nine and ten'];
const own = rewardModelFromFunction((items) => items.map(({ a, b }) => (a.length < b.length ? 0.9 : 0.1)));
const remote = createRemoteRewardModel({ url: process.argv[2], retries: 0 });
const orders = [await rank(own, 'p', responses), await rank(remote, 'p', responses)].map(({ order }) => order);
const native = process.report.getReport().sharedObjects.filter((path) => /\\.node$|onnxruntime|dawn/.test(path));
console.log(JSON.stringify({ orders, native }));
`;

it('installs in under 10 MB, and ranks over its own comparator and over gram serve', async () => {
  const ours = ['base', 'data', 'ranking'];
  const tarballs: string[] = [];
  for (const name of ours) {
    tarballs.push(await pack(name));
    for (const dependency of await foreignDependencies(name)) {
      tarballs.push(...(await packInstalled(join(packages, name, 'node_modules', dependency))));
    }
  }
  const project = join(folder, 'project');
  await mkdir(project);
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'project', type: 'module' }));
  const quiet = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  await npm(project, 'install', ...quiet, ...new Set(tarballs));

  const files = await filesIn(join(project, 'node_modules'));
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(10e6);
  expect(files.filter((path) => /\.(node|so|dll|dylib|wasm)$/.test(path))).toEqual([]);

  const longer = rewardModelFromFunction((items) =>
    items.map(({ a, b }) => (a.length > b.length ? 0.9 : 0.1)),
  );
  const server = createRewardServer(longer, { port: 0 });
  const url = await server.listen();
  try {
    await writeFile(join(project, 'rank.mjs'), program);
    const { stdout } = await run('node', ['rank.mjs', url], { cwd: project });
    expect(JSON.parse(stdout)).toEqual({
      orders: [
        [1, 0, 2, 3],
        [3, 2, 0, 1],
      ],
      native: [],
    });
  } finally {
    await server.close();
  }
});
