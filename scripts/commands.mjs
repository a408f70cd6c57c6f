import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const environment = {
  ...process.env,
  // The binaries that are used come in the package; its install script would fetch others.
  ONNXRUNTIME_NODE_INSTALL: 'skip',
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
};

/** A tool that is installed in node_modules. */
export function tool(name, ...args) {
  return [join(root, 'node_modules', '.bin', name), ...args];
}

/** The package manager at the version that package.json names; npx fetches it where it is missing. */
export function pnpm(...args) {
  return ['npx', '--yes', packageManager, ...args];
}

/** Turbo starts `pnpm run` in each package, so it needs pnpm on its path: `pnpm exec` puts it there. */
export function turbo(task) {
  return pnpm('exec', 'turbo', 'run', task, '--output-logs=errors-only', '--concurrency=2');
}

/**
 * Runs a command in the root and gives its exit code, and its output unless `show` sends that to the terminal.
 *
 * @param options.env variables of the environment beside those that every command gets
 */
export function run([file, ...args], { show = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: root,
      env: { ...environment, ...env },
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      // On Windows the tools are .cmd files, which only a shell starts.
      shell: process.platform === 'win32',
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    const end = (code) => resolve({ code, output: Buffer.concat(chunks).toString() });
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${error.message}\n`));
      end(1);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}

const WHEEL_OPTIONS = ['--quiet', '--no-deps', '--no-compile', '--require-hashes', '--only-binary=:all:'];

/**
 * Installs the wheel of a file of requirements, for the libraries in it. They need no Python, and so the wheel need not be that of the
 * Python that is here.
 *
 * @param platform tag of the wheel, such as `manylinux_2_28_x86_64`
 * @param python version of the wheel, such as `3.12`
 * @param target folder that gets its files
 * @returns undefined, or the reason why it could not be installed
 */
export function installWheel(requirement, { platform, python, target }) {
  const chosen = ['--platform', platform, '--implementation', 'cp', '--python-version', python];
  const args = ['-m', 'pip', 'install', ...WHEEL_OPTIONS, ...chosen, '--target', target, '-r', requirement];
  const { status, stderr } = spawnSync('python3', args, { encoding: 'utf8' });
  if (status === 0) return undefined;
  return stderr?.trim().split('\n').at(-1) ?? 'there is no python3';
}
