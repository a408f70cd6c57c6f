// Makes a fresh clone ready: checks Node, installs the packages if they changed, builds what changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm, root, run, turbo } from './commands.mjs';

const stamp = join(root, 'node_modules', '.gram-setup');

checkNode();
const state = dependencyState();
const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === state;
process.exitCode = (installed ? 0 : await install()) || (await step('Building', turbo('build')));

async function install() {
  rmSync(stamp, { force: true });
  // Without a terminal pnpm would stop where it has a question about node_modules of another layout.
  const options = ['--frozen-lockfile', '--prefer-offline', '--config.confirmModulesPurge=false'];
  const code = await step('Installing packages', pnpm('install', ...options));
  if (code === 0) writeFileSync(stamp, state);
  return code;
}

function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [major, minor] = engines.node.match(/\d+/g).map(Number);
  const [haveMajor, haveMinor] = process.versions.node.split('.').map(Number);
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return;
  console.error(
    `gram needs Node ${major}.${minor} or later and this is ${process.versions.node}; install a newer Node and run the command again.`,
  );
  process.exit(1);
}

/** Changes whenever an install could give another result. */
function dependencyState() {
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];
  for (const folder of ['packages', 'examples']) {
    if (!existsSync(join(root, folder))) continue;
    for (const name of readdirSync(join(root, folder)).sort()) files.push(`${folder}/${name}/package.json`);
  }
  const hash = createHash('sha256');
  hash.update(`${process.platform} ${process.arch}\n`);
  for (const file of files) {
    if (existsSync(join(root, file))) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** Runs a command and gives its exit code; its output is only shown if it failed. */
async function step(name, command) {
  const start = performance.now();
  process.stdout.write(`${name} ... `);
  const { code, output } = await run(command);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(code === 0 ? `${seconds} s` : `failed after ${seconds} s`);
  if (code !== 0) {
    console.error(`${output.trimEnd()}\n${name} failed: "${command.join(' ')}" exited with code ${code}.`);
  }
  return code;
}
