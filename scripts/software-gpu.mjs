// A GPU in software, so that WebGPU is tested where there is no graphics card: Mesa's lavapipe, or SwiftShader, which
// Debian's chromium brings along and which has no 16-bit arithmetic. `node scripts/software-gpu.mjs` installs them where it
// may; without them those tests are skipped.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';
const drivers = '/usr/share/vulkan/icd.d';
/** A driver is found by a loader, which is a package of its own. */
const loader = '/usr/lib/x86_64-linux-gnu/libvulkan.so.1';
/** Mesa 22 lacks what ONNX Runtime's WebGPU asks for, and 25 has it; those between were not tried. */
const oldestMesa = 25;

/** The driver to test on, if there is one. */
function driver() {
  const known = existsSync(drivers) ? readdirSync(drivers) : [];
  const lavapipe = known.find((name) => name.startsWith('lvp_icd'));
  // The version of Vulkan tells those of Mesa apart: 25 was the first with 1.4.
  if (lavapipe !== undefined && lavapipeVulkan(join(drivers, lavapipe)) >= 1.4)
    return join(drivers, lavapipe);
  return existsSync(swiftShader) ? swiftShader : undefined;
}

function lavapipeVulkan(path) {
  return Number.parseFloat(JSON.parse(readFileSync(path, 'utf8')).ICD.api_version);
}

/** Makes WebGPU run on the software GPU in the tests, unless it is missing or another driver was chosen. */
export function setup() {
  const found = driver();
  if (process.env.VK_ICD_FILENAMES !== undefined || found === undefined) return;
  // The driver wants a folder for its sockets.
  const runtime = process.env.XDG_RUNTIME_DIR ?? join(tmpdir(), 'gram-software-gpu');
  if (process.env.XDG_RUNTIME_DIR === undefined) mkdirSync(runtime, { recursive: true, mode: 0o700 });
  Object.assign(process.env, { VK_ICD_FILENAMES: found, VK_DRIVER_FILES: found, XDG_RUNTIME_DIR: runtime });
  // Lavapipe compiles hundreds of shaders that run for microseconds: to optimize them costs more than it saves.
  process.env.GALLIVM_PERF ??= 'nopt';
}

const quiet = { encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
const apt = (...args) => spawnSync('apt-get', args, quiet);

function install() {
  if (existsSync(loader) && ![undefined, swiftShader].includes(driver()) && existsSync(swiftShader))
    return 'present';
  if (process.platform !== 'linux' || process.getuid() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return 'skipped: it can be installed as root of a Debian system only';
  }
  apt('update');
  const packages = ['chromium', 'libvulkan1'];
  const { status } = apt('install', '--yes', '--no-install-recommends', ...packages);
  if (status !== 0) return `skipped: apt-get install ${packages.join(' ')} failed`;
  return installMesa()
    ? 'lavapipe installed'
    : 'SwiftShader installed, there is no recent Mesa: no 16-bit arithmetic';
}

/** Installs Mesa from the system's release, or from its backports without making them a source of the system. */
function installMesa() {
  const name = 'mesa-vulkan-drivers';
  const wanted = ['install', '--yes', '--no-install-recommends', name];
  const { stdout } = spawnSync('apt-cache', ['policy', name], quiet);
  if (Number.parseInt(/Candidate: (?:\d+:)?(\d+)/.exec(stdout ?? '')?.[1] ?? '0', 10) >= oldestMesa) {
    return apt(...wanted).status === 0;
  }
  const format = '$(ORIGIN) $(CODENAME) $(REPO_URI)';
  const targets = apt('indextargets', '--format', format, 'Created-By: Packages').stdout.split('\n');
  const release = targets
    .map((line) => line.split(' '))
    .find(([origin, code]) => origin === 'Debian' && !/-/.test(code));
  if (release === undefined) return false;
  const [, codename, uri] = release;
  const sources = mkdtempSync(join(tmpdir(), 'gram-sources-'));
  try {
    cpSync('/etc/apt/sources.list.d', sources, { recursive: true });
    writeFileSync(join(sources, 'backports.list'), `deb ${uri} ${codename}-backports main\n`);
    const from = ['-o', `Dir::Etc::SourceParts=${sources}`];
    apt('update', ...from);
    return apt(...wanted, ...from, '--target-release', `${codename}-backports`).status === 0;
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(`Software GPU: ${install()}`);
