import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/** Clients that others publish, at the versions that the tests were written against. */
const versions = {
  ai: '6.0.326',
  '@ai-sdk/cohere': '3.0.63',
  'cohere-ai': '8.1.0',
  '@langchain/cohere': '1.0.5',
  '@langchain/core': '1.4.0',
  openai: '6.49.0',
  voyageai: '0.4.0',
};

const INSTALL_MS = 50_000;

/** The clients, kept in the folder for temporary files from one run to the next. */
export interface Clients {
  /** Imports a package as a program that installed it does. */
  load(name: string): Promise<any>;
}

/** Installs the clients once; undefined where the registry cannot be reached. */
export async function installClients(): Promise<Clients | undefined> {
  const hash = createHash('sha256').update(JSON.stringify(versions)).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `gram-serve-clients-${hash}`);
  if (!existsSync(folder) && !(await install(folder))) return undefined;
  const require = createRequire(join(folder, 'package.json'));
  return {
    load: (name) => {
      const path = require.resolve(name);
      return import(/* @vite-ignore */ pathToFileURL(path).href);
    },
  };
}

async function install(folder: string): Promise<boolean> {
  const started = `${folder}.${process.pid}`;
  mkdirSync(started, { recursive: true });
  writeFileSync(join(started, 'package.json'), JSON.stringify({ private: true, dependencies: versions }));
  try {
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
    const options = { cwd: started, timeout: INSTALL_MS, shell: process.platform === 'win32' };
    await promisify(execFile)('npm', ['install', ...flags], options);
    renameSync(started, folder);
    return true;
  } catch {
    return existsSync(folder);
  } finally {
    rmSync(started, { recursive: true, force: true });
  }
}
