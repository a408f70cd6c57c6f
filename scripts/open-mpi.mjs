// Open MPI, so that training on several processes is tested: `node scripts/open-mpi.mjs` installs it where it may; without
// it those tests are skipped.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

function install() {
  if (spawnSync('mpirun', ['--version'], { stdio: 'ignore' }).status === 0) return 'present';
  if (process.platform !== 'linux' || process.getuid() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return 'skipped: it can be installed as root of a Debian system only';
  }
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update'], options);
  // The launcher depends on the library.
  const packages = ['openmpi-bin'];
  const { status } = spawnSync(
    'apt-get',
    ['install', '--yes', '--no-install-recommends', ...packages],
    options,
  );
  return status === 0 ? 'installed' : `skipped: apt-get install ${packages.join(' ')} failed`;
}

console.log(`Open MPI: ${install()}`);
