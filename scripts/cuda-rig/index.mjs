// CUDA without a GPU: ONNX Runtime's own CUDA provider on stand-ins for NVIDIA's libraries, in which memory, copies and errors
// are real and kernels compute nothing. `node scripts/cuda-rig/index.mjs` makes it where it may; without it those tests are skipped.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installWheel, root } from '../commands.mjs';
import { makeLibraries } from './libraries.mjs';

const sources = join(root, 'scripts', 'cuda-rig');
const requirement = join(sources, 'onnxruntime-gpu.txt');
const folder = join(root, 'node_modules', '.cache', 'cuda-rig');
const wheel = join(folder, 'wheel');
const libraries = join(folder, 'libraries');
/** Folder of ONNX Runtime's libraries inside the wheel. */
const runtime = join(wheel, 'onnxruntime', 'capi');

/** Tells the tests where the rig is, unless it was not made. */
export function setup() {
  if (readStamp('wheel') === undefined || readStamp('libraries') !== sourcesHash()) return;
  Object.assign(process.env, { GRAM_CUDA_RIG: libraries, GRAM_CUDA_RIG_RUNTIME: runtime });
}

function install() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'skipped: the provider is for Linux on x64 only';
  for (const tool of ['cc', 'nm']) {
    if (spawnSync(tool, ['--version']).status !== 0) return `skipped: there is no ${tool}`;
  }
  return fetchWheel() ?? buildLibraries();
}

/** Installs the wheel into a folder of its own, and gives the reason where that fails. */
function fetchWheel() {
  const wanted = readFileSync(requirement, 'utf8');
  const pinned = /onnxruntime-gpu==(\S+)/.exec(wanted)?.[1];
  const locked = /^ {2}onnxruntime-node@(\S+):$/m.exec(
    readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8'),
  )?.[1];
  if (pinned !== locked) return `skipped: the pinned wheel is ${pinned}, and onnxruntime-node is ${locked}`;
  const state = hashOf([wanted]);
  if (readStamp('wheel') === state) return undefined;
  rmSync(folder, { recursive: true, force: true });
  const failed = installWheel(requirement, {
    platform: 'manylinux_2_28_x86_64',
    python: '3.11',
    target: wheel,
  });
  if (failed !== undefined) {
    rmSync(folder, { recursive: true, force: true });
    return `skipped: pip cannot install onnxruntime-gpu ${pinned}: ${failed}`;
  }
  writeFileSync(stampOf('wheel'), state);
  return undefined;
}

function buildLibraries() {
  if (readStamp('libraries') === sourcesHash()) return 'present';
  rmSync(libraries, { recursive: true, force: true });
  mkdirSync(libraries, { recursive: true });
  const failed = makeLibraries(join(runtime, 'libonnxruntime_providers_cuda.so'), sources, libraries);
  if (failed !== undefined) return `skipped: ${failed}`;
  writeFileSync(stampOf('libraries'), sourcesHash());
  return 'installed';
}

const stampOf = (part) => join(folder, `${part}.stamp`);
const readStamp = (part) => (existsSync(stampOf(part)) ? readFileSync(stampOf(part), 'utf8') : undefined);

function sourcesHash() {
  return hashOf(
    readdirSync(sources)
      .sort()
      .map((name) => readFileSync(join(sources, name))),
  );
}

function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(`CUDA rig: ${install()}`);
