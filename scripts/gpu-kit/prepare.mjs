// Packs what a machine with a GPU and without registries needs, in pieces of at most 54 MiB:
//
//     node scripts/gpu-kit/prepare.mjs --out gpu-kit [--most 54] [--runtime onnxruntime/capi]
//
// Copy the pieces and `assemble.sh` into one folder of that machine, in any number of transfers, and start `sh assemble.sh`: it
// says what is still missing, or assembles the kit and runs it. The runtime with its CUDA provider is that of the wheel
// onnxruntime-gpu, which `npm run cuda-rig` fetches. bench/README.md says what the kit measures.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../commands.mjs';
import { bundle, conformanceSuites, kitPrograms } from './bundle.mjs';

const here = join(root, 'scripts', 'gpu-kit');
const MEBIBYTE = 2 ** 20;
const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    most: { type: 'string', default: '54' },
    runtime: { type: 'string', default: join(root, 'node_modules/.cache/cuda-rig/wheel/onnxruntime/capi') },
  },
});
if (options.out === undefined) throw new Error('say where the pieces go, with --out FOLDER');

const stage = mkdtempSync(join(tmpdir(), 'gram-gpu-kit-'));
try {
  stagePrograms();
  await bundle([...kitPrograms(), ...conformanceSuites()], join(stage, 'app'));
  cut(pack(), resolve(options.out), Number(options.most) * MEBIBYTE);
} finally {
  rmSync(stage, { recursive: true });
}

/** Node, ONNX Runtime with its provider, koffi, and the scripts of PyTorch. */
function stagePrograms() {
  mkdirSync(join(stage, 'bin'));
  copyFileSync(process.execPath, join(stage, 'bin', 'node'));
  mkdirSync(join(stage, 'runtime'));
  const wanted = /^libonnxruntime(\.so[.\d]*|_providers_(cuda|shared)\.so)$/;
  const libraries = readdirSync(options.runtime).filter((name) => wanted.test(name));
  for (const name of libraries) copyFileSync(join(options.runtime, name), join(stage, 'runtime', name));
  const koffi = realpathSync(join(root, 'packages/engine/node_modules/koffi'));
  const isNeeded = (path) => !/\/(vendor|doc)(\/|$)/.test(path.slice(koffi.length));
  cpSync(koffi, join(stage, 'node_modules/koffi'), { recursive: true, filter: isNeeded });
  const platform = '@koromix/koffi-linux-x64';
  cpSync(realpathSync(join(dirname(koffi), platform)), join(stage, 'node_modules', platform), {
    recursive: true,
  });
  cpSync(join(here, 'peer.py'), join(stage, 'peer.py'));
}

/** Compresses the stage; quickly, because most of it is code of GPUs that is compressed already. */
function pack() {
  const archive = join(stage, 'kit.tar.gz');
  const parts = readdirSync(stage);
  execFileSync('tar', ['--use-compress-program=gzip -1', '-cf', archive, '-C', stage, ...parts]);
  return archive;
}

/** Cuts an archive into pieces, and lists them with their hashes. */
function cut(archive, out, most) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const bytes = readFileSync(archive);
  const lines = [];
  for (let i = 0; i * most < bytes.length; i++) {
    const name = `gram-gpu-kit.${String(i).padStart(2, '0')}`;
    const piece = bytes.subarray(i * most, (i + 1) * most);
    writeFileSync(join(out, name), piece);
    lines.push(`${createHash('sha256').update(piece).digest('hex')}  ${name}\n`);
    console.log(`${name} ${(piece.length / MEBIBYTE).toFixed(1)} MiB`);
  }
  const script = readFileSync(join(here, 'assemble.sh'), 'utf8').replace('PIECES\n', lines.join(''));
  writeFileSync(join(out, 'assemble.sh'), script);
}
