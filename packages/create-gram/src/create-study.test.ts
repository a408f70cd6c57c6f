import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStudy, nextSteps, STUDIES } from './create-study.js';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'gram-create-'));
afterAll(() => rmSync(directory, { recursive: true }));

const isBuilt = existsSync(join(repository, 'packages/create-gram/dist/studies/packages.json'));
const arePackagesBuilt = isBuilt && existsSync(join(repository, 'packages/ppo/dist/index.js'));

const readManifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

it('refuses what it cannot make, and says what to do', async () => {
  await expect(createStudy({ study: 'rank', directory })).rejects.toMatchObject({
    code: 'unknown-study',
    hint: expect.stringContaining('reward-ranking'),
  });
  const used = join(directory, 'used');
  mkdirSync(used);
  writeFileSync(join(used, 'notes.txt'), '');
  await expect(createStudy({ study: 'rlhf', directory: used })).rejects.toMatchObject({ code: 'exists' });
  await expect(createStudy({ study: 'rlhf', directory: join(used, 'notes.txt') })).rejects.toMatchObject({
    code: 'exists',
  });
});

it.skipIf(!isBuilt).each(STUDIES)('makes a project of %s that has all that it imports', async (study) => {
  const project = await createStudy({ study, directory: join(directory, study) });
  const { dependencies, scripts } = readManifest(project);
  expect(Object.keys(dependencies)).toContain('@gram/report');
  expect(dependencies['@gram/report']).toBe(`^${readManifest(join(repository, 'packages/report')).version}`);
  expect(scripts).toEqual({ start: 'node main.mjs' });
  expect(readFileSync(join(project, '.gitignore'), 'utf8')).toContain('runs/');
  expect(nextSteps(project)).toContain(project);
});

it.skipIf(!isBuilt)('names the tarballs that are missing', async () => {
  const made = createStudy({ study: 'rlhf', directory: join(directory, 'none'), tarballs: directory });
  await expect(made).rejects.toMatchObject({
    code: 'no-package',
    message: expect.stringMatching(/gram-base-[\d.]+\.tgz.* are missing$/),
  });
});

describe.skipIf(!arePackagesBuilt)('a project of packed packages', () => {
  let project: string;
  beforeAll(async () => {
    const tarballs = join(directory, 'tarballs');
    mkdirSync(tarballs);
    const { packageManager } = readManifest(repository);
    const pack = [
      '--yes',
      packageManager,
      '-r',
      '--filter',
      '@gram/*',
      'pack',
      '--pack-destination',
      tarballs,
    ];
    run('npx', pack, repository);
    project = await createStudy({ study: 'reward-ranking', directory: join(directory, 'packed'), tarballs });
    install(project);
  }, 600_000);

  it('runs its reduced configuration, with nothing of the repository but what packages declare', () => {
    expect(realpathSync(join(project, 'node_modules/@gram/train'))).toMatch(/packed/);
    const output = run(process.execPath, ['main.mjs', '--config', 'tiny'], project);
    expect(output).toContain('Declared beforehand: with 24 labels and 3 seeds');
    const summary = JSON.parse(readFileSync(join(project, 'runs/tiny/summary.json'), 'utf8'));
    expect(summary.primary.arms).toEqual(['by likelihood, stage 1', 'by likelihood']);
    expect(existsSync(join(project, 'runs/tiny/gram/model.safetensors'))).toBe(true);
  }, 600_000);
});

/**
 * Unpacks the tarballs that a project names, as npm would, and links what they declare of others from this repository: a registry
 * is not asked.
 */
function install(project: string): void {
  const { dependencies } = readManifest(project) as { dependencies: Record<string, string> };
  const place = (name: string) => join(project, 'node_modules', name);
  for (const [name, file] of Object.entries(dependencies)) {
    mkdirSync(place(name), { recursive: true });
    const tarball = join(project, file.replace('file:', ''));
    run('tar', ['-xzf', tarball, '-C', place(name), '--strip-components=1'], project);
  }
  for (const name of Object.keys(dependencies)) {
    const own = readManifest(place(name)).dependencies ?? {};
    for (const [needed, version] of Object.entries(own)) {
      expect(version).not.toContain('workspace:');
      if (existsSync(place(needed))) continue;
      mkdirSync(dirname(place(needed)), { recursive: true });
      const linked = join(repository, 'packages', name.replace('@gram/', ''), 'node_modules', needed);
      symlinkSync(realpathSync(linked), place(needed));
    }
  }
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stdout}${stderr}`);
  return stdout;
}
