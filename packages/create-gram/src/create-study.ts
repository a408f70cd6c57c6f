import { existsSync } from 'node:fs';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quote } from '@gram/base';
import { CreateError } from './error.js';

/** Studies that can be copied. */
export const STUDIES: readonly string[] = ['reward-ranking', 'rlhf', 'task-adaptation'];

/** Options of `createStudy`. */
export interface StudyOptions {
  /** One of `STUDIES`. */
  readonly study: string;
  /** Directory of the project, which is made. @default the name of the study */
  readonly directory?: string;
  /**
   * Directory with packed packages (`gram-base-0.0.0.tgz` and so on) that the project is to depend on, where they are not to
   * come from the registry.
   */
  readonly tarballs?: string;
}

/** The build puts the projects there; sources and bundle are equally far from it. */
const PROJECTS = fileURLToPath(new URL('../dist/studies/', import.meta.url));

/**
 * Copies a study as a project of one's own: recipes, code and a `package.json` that depends on the packages of gram.
 *
 * @returns the absolute path of the project
 * @throws {CreateError} `unknown-study`; `exists` where the directory is not empty; `no-package` where a tarball is missing
 *
 * @example
 * ```ts
 * const project = await createStudy({ study: 'reward-ranking', directory: 'my-study' });
 * ```
 */
export async function createStudy({ study, directory = study, tarballs }: StudyOptions): Promise<string> {
  if (!STUDIES.includes(study)) {
    const hint = `choose one of ${STUDIES.join(', ')}`;
    throw new CreateError('unknown-study', `there is no study ${quote(study)}`, hint);
  }
  const target = resolve(directory);
  await requireVacant(target);
  const manifest = JSON.parse(await readFile(join(PROJECTS, study, 'package.json'), 'utf8'));
  if (tarballs !== undefined) {
    const names = await withNeeds(Object.keys(manifest.dependencies));
    manifest.dependencies = packedDependencies(names, target, resolve(tarballs));
  }
  await cp(join(PROJECTS, study), target, { recursive: true });
  await writeFile(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await writeFile(join(target, '.gitignore'), 'node_modules/\nruns/\n');
  return target;
}

async function requireVacant(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  const entries = await readdir(directory).catch(() => ['a file']);
  if (entries.length === 0) return;
  throw new CreateError('exists', `${directory} is not empty`, 'choose a directory that does not exist');
}

/** A package of gram as the build found it. */
interface Package {
  readonly name: string;
  readonly version: string;
}

/** Packages and all that they need of the others. */
async function withNeeds(names: readonly string[]): Promise<Package[]> {
  const known: Record<string, { version: string; needs: string[] }> = JSON.parse(
    await readFile(join(PROJECTS, 'packages.json'), 'utf8'),
  );
  const found = new Map<string, Package>();
  const visit = (name: string) => {
    const own = known[name];
    if (own === undefined || found.has(name)) return;
    found.set(name, { name, version: own.version });
    for (const needed of own.needs) visit(needed);
  };
  for (const name of names) visit(name);
  return [...found.values()];
}

/** Packages from their tarballs. Those that others need are named too: none is to come from the registry. */
function packedDependencies(
  packages: readonly Package[],
  project: string,
  tarballs: string,
): Record<string, string> {
  const packed = packages.map(({ name, version }) => {
    const file = join(tarballs, `${name.slice(1).replace('/', '-')}-${version}.tgz`);
    return { name, file };
  });
  const missing = packed.filter(({ file }) => !existsSync(file));
  if (missing.length > 0) {
    throw new CreateError(
      'no-package',
      `${missing.map(({ file }) => file).join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
      'pack the packages into that directory, for example with pnpm -r pack --pack-destination',
    );
  }
  const pathOf = (file: string) => `file:${relative(project, file).replaceAll('\\', '/')}`;
  return Object.fromEntries(packed.map(({ name, file }) => [name, pathOf(file)]));
}

/** Says what to type in a project that was made. */
export function nextSteps(project: string): string {
  const folder = relative(process.cwd(), project) || '.';
  return [
    `Made ${project}`,
    '',
    `  cd ${folder}`,
    '  npm install',
    '  npm start -- --config tiny    seconds, to see that it runs',
    '  npm start                     the study, minutes on two cores',
    '',
  ].join('\n');
}
