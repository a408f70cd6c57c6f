// Builds the stand-ins for the libraries that a CUDA provider needs. What matters is written by hand in the C file of the
// library; every other function that the provider imports gives back 0, which means success.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A library that the provider only opens when it needs it, so that its imports do not tell what it calls there. */
const CUDNN = 'libcudnn.so.9';
/** The driver's library, whose functions have no version. */
const DRIVER = 'libcuda.so.1';
/** The library with which GPUs sum what they have. We call it, not the provider. */
const NCCL = 'libnccl.so.2';

/**
 * Builds every library that the provider needs, and gives the reason where one cannot be built.
 *
 * @param provider path of the provider
 * @param sources folder of the C files
 * @param target folder of the libraries
 */
export function makeLibraries(provider, sources, target) {
  for (const [library, names] of importsOf(provider)) {
    const own = join(sources, `${library.replace(/\.so\..*/, '')}.c`);
    const rest = join(target, `${library}.rest.c`);
    const map = join(target, `${library}.map`);
    // A strong definition in the file that is written by hand replaces a weak one.
    const functions = [...names]
      .sort()
      .map((name) => `__attribute__((weak)) int ${name}(void) { return 0; }`);
    writeFileSync(rest, `${functions.join('\n')}\n`);
    writeFileSync(map, `${library} { global: *; };\n`);
    const files = existsSync(own) ? [own, rest] : [rest];
    const linker = [`-Wl,-soname,${library}`, `-Wl,--version-script=${map}`];
    const args = [
      '-shared',
      '-fPIC',
      '-O1',
      '-w',
      '-pthread',
      ...linker,
      '-o',
      join(target, library),
      ...files,
    ];
    const { status, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
    if (status !== 0) return `${library} cannot be built: ${stderr.trim().split('\n')[0]}`;
  }
  return undefined;
}

/** The functions that the provider calls, by library. */
function importsOf(provider) {
  const imports = new Map([
    [CUDNN, opened(provider)],
    ['libcurand.so.10', new Set()],
  ]);
  const { stdout } = spawnSync('nm', ['-D', '--undefined-only', provider], { encoding: 'utf8' });
  for (const [, name, library] of stdout.matchAll(/ U (\w+)(?:@(libcu\w+\.so\.\d+))?$/gm)) {
    const owner = library ?? (/^cu[A-Z]/.test(name) ? DRIVER : undefined);
    if (owner !== undefined) imports.set(owner, (imports.get(owner) ?? new Set()).add(name));
  }
  return imports.set(NCCL, new Set());
}

/** The names of cuDNN's functions among the strings of the provider. */
function opened(provider) {
  const text = readFileSync(provider).toString('latin1');
  return new Set([...text.matchAll(/\0(cudnn[A-Z]\w+)(?=\0)/g)].map(([, name]) => name));
}
