import { readFileSync } from 'node:fs';

/** The version of this package. The manifest lies one folder above this file, in the sources and in the bundle alike. */
export function ownVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return JSON.parse(manifest).version;
}
