// A GPU in software, so that WebGPU is tested where there is no graphics card: SwiftShader, which Debian's chromium
// brings along. `node scripts/software-gpu.mjs` installs it where it may; without it those tests are skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
/** SwiftShader is a driver; the loader that finds it is a package of its own. */
const loader = '/usr/lib/x86_64-linux-gnu/libvulkan.so.1';

/** Makes WebGPU run on SwiftShader in the tests, unless it is missing or another driver was chosen. */
export function setup() {
  if (process.env.VK_ICD_FILENAMES !== undefined || !existsSync(driver)) return;
  // The driver wants a folder for its sockets.
  const runtime = process.env.XDG_RUNTIME_DIR ?? join(tmpdir(), 'gram-software-gpu');
  if (process.env.XDG_RUNTIME_DIR === undefined) mkdirSync(runtime, { recursive: true, mode: 0o700 });
  Object.assign(process.env, {
    VK_ICD_FILENAMES: driver,
    VK_DRIVER_FILES: driver,
    XDG_RUNTIME_DIR: runtime,
  });
}

function install() {
  if (existsSync(driver) && existsSync(loader)) return 'present';
  if (process.platform !== 'linux' || process.getuid() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return 'skipped: it can be installed as root of a Debian system only';
  }
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update'], options);
  const packages = ['chromium', 'libvulkan1'];
  const { status } = spawnSync(
    'apt-get',
    ['install', '--yes', '--no-install-recommends', ...packages],
    options,
  );
  return status === 0 ? 'installed' : `skipped: apt-get install ${packages.join(' ')} failed`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(`Software GPU: ${install()}`);
