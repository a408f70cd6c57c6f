// Builds the native binding of @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu where the host that their install
// scripts download from is out of reach. Both have the same binding, and the library it is linked against decides whether
// there is a GPU: that of the PyPI wheel tensorflow-cpu, or of the wheel tensorflow, which has the kernels for CUDA. This
// script downloads nothing. It wants Linux, g++, Node 20 or 22, and a package of version 4.22 installed without its
// install script. The commands to run, in the root of the repository:
//
//   python3 -m venv ../tf && ../tf/bin/pip install --no-deps tensorflow-cpu
//   node packages/engine/tools/build-tfjs-node.mjs --tensorflow ../tf/lib/python3*/site-packages/tensorflow
//   npm test
//
// `--package` names the folder of the package, `--headers` one with node_api.h, where they are not found; of both packages
// the device loads tfjs-node-gpu first, and so does this script. The wheel must stay where it is, as the package only gets
// links to its libraries. tfjs-node 4.22 was made for TensorFlow 2.9.1; the last wheel of each of 2.12 to 2.21 was seen to
// work, the CPU's. `npm run tensorflow` does all of this for both packages in a folder apart, for a test on Node 20 and 22.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
// The highest version of Node-API in the package.json of tfjs-node: the number under which the binding is looked for.
const NODE_API = 8;
/** Packages with this binding, in the order in which the device looks for them. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

const engine = createRequire(new URL('../package.json', import.meta.url));

const options = readOptions();
checkMachine();
const tensorflow = findTensorflow(options.tensorflow);
const tfjsNode = findPackage(options.package);
const headers = findHeaders(options.headers);
build();
console.log(`${basename(tfjsNode)} with TensorFlow ${verify()} on Node ${process.versions.node}: ok`);

function readOptions() {
  const folder = { type: 'string' };
  try {
    return parseArgs({ options: { tensorflow: folder, package: folder, headers: folder } }).values;
  } catch (error) {
    return fail(error.message);
  }
}

function checkMachine() {
  if (process.platform !== 'linux') fail(`the binding is only built on Linux, not on ${process.platform}`);
  if (Number.parseInt(process.versions.node, 10) >= 23) {
    fail(
      `tfjs-node calls util.isNullOrUndefined, which Node ${process.versions.node} lacks; use Node 20 or 22`,
    );
  }
  if (spawnSync('g++', ['--version']).status !== 0) fail('there is no g++ to compile with; install it');
}

function findTensorflow(folder) {
  if (folder === undefined) fail('say where the wheel is: --tensorflow .../site-packages/tensorflow');
  const found = resolve(folder);
  if (!existsSync(found)) fail(`there is no folder ${found}`);
  for (const file of [...LIBRARIES, 'include/tensorflow/c/eager/c_api.h']) {
    if (!existsSync(join(found, file)))
      fail(`${found} has no ${file}; is it a whole tensorflow or tensorflow-cpu?`);
  }
  return found;
}

function findPackage(folder) {
  const wanted = folder ? [resolve(folder)] : PACKAGES;
  const manifest = wanted.map(findManifest).find((path) => path !== undefined);
  if (manifest === undefined) {
    fail(
      `there is no ${PACKAGES.join(' or ')} in ${folder ?? 'packages/engine'}; install it or say --package DIR`,
    );
  }
  const { name, version } = JSON.parse(readFileSync(manifest, 'utf8'));
  if (!PACKAGES.includes(name) || !version.startsWith('4.22.')) {
    fail(`${dirname(manifest)} is ${name} ${version}; ${PACKAGES.join(' or ')} 4.22 is needed`);
  }
  return dirname(manifest);
}

function findManifest(place) {
  try {
    // Node loads a package under its real path, and this is that too.
    return engine.resolve(`${place}/package.json`);
  } catch {
    return undefined;
  }
}

// The binding uses Node-API alone, so that the headers need not be those of the running Node.
function findHeaders(folder) {
  const places = folder ? [resolve(folder)] : [resolve(process.execPath, '../../include/node')];
  if (!folder) {
    try {
      places.push(engine('node-api-headers').include_dir);
    } catch {
      // It is only the second choice.
    }
  }
  const found = places.find((place) => existsSync(join(place, 'node_api.h')));
  return (
    found ??
    fail(`there is no node_api.h in ${places.join(' or ')}; install node-api-headers or say --headers DIR`)
  );
}

function build() {
  // Links next to the binding, and not the path of the wheel in it: to move the wheel, only the links have to change.
  const libraries = join(tfjsNode, 'deps/lib');
  const output = join(tfjsNode, `lib/napi-v${NODE_API}`);
  for (const directory of [libraries, output]) mkdirSync(directory, { recursive: true });
  for (const library of LIBRARIES) {
    rmSync(join(libraries, library), { force: true });
    symlinkSync(join(tensorflow, library), join(libraries, library));
  }
  const sources = join(tfjsNode, 'binding');
  const files = readdirSync(sources).filter((file) => file.endsWith('.cc'));
  const flags = [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${NODE_API}`],
    // As system headers, whose warnings are nobody's concern here.
    ...['-isystem', join(tensorflow, 'include'), '-isystem', headers],
    ...files.map((file) => join(sources, file)),
    ...LIBRARIES.map((library) => join(libraries, library)),
    // With `now`, a function that this TensorFlow lacks shows on loading and not on its first call.
    ...['-Wl,-rpath,$ORIGIN/../../deps/lib', '-Wl,-z,now', '-o', join(output, 'tfjs_binding.node')],
  ];
  const { status } = spawnSync('g++', flags, { stdio: 'inherit' });
  if (status !== 0) fail('g++ could not build the binding; try another version of TensorFlow');
}

// In a process of its own: a binding that does not fit may well end it.
function verify() {
  const script = `
    const tf = require(${JSON.stringify(tfjsNode)});
    const product = tf.matMul([[1, 2], [3, 4]], [[5, 6], [7, 8]]).arraySync();
    const { TF_Version: version } = tf.backend().binding;
    console.log(JSON.stringify({ backend: tf.getBackend(), product, version }));
  `;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
  });
  if (status !== 0) fail(`the binding does not run (${signal ?? `exit code ${status}`}):\n${stderr}`);
  const { backend, product, version } = JSON.parse(stdout.trim().split('\n').at(-1));
  if (backend !== 'tensorflow' || `${product}` !== '19,22,43,50') {
    fail(`the binding gives a wrong result:\n${stdout}`);
  }
  return version;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
