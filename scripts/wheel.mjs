import { spawnSync } from 'node:child_process';

const OPTIONS = ['--quiet', '--no-deps', '--no-compile', '--require-hashes', '--only-binary=:all:'];

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
  const args = ['-m', 'pip', 'install', ...OPTIONS, ...chosen, '--target', target, '-r', requirement];
  const { status, stderr } = spawnSync('python3', args, { encoding: 'utf8' });
  if (status === 0) return undefined;
  return stderr?.trim().split('\n').at(-1) ?? 'there is no python3';
}
