import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A checkpoint to break, an older one of the same run, and what the trainer calls its files. */
export interface Broken {
  readonly path: string;
  readonly older: string;
  /** Weights and moments, as safetensors, and the state, as JSON. */
  readonly weights: string;
  readonly moments: string;
  readonly state: string;
  /** Name of the list of records in the state. */
  readonly records: string;
}

/** One way to break a checkpoint, and what is said of it. */
export interface Breakage {
  readonly name: string;
  readonly says: RegExp;
  break(checkpoint: Broken): void;
}

/** Eight kinds of broken checkpoints. Those that are sealed have a manifest that agrees with the broken file. */
export const breakages: readonly Breakage[] = [
  {
    name: 'a flipped bit in the weights',
    says: /is not the file that was written/,
    break: ({ path, weights }) => flip(join(path, weights)),
  },
  {
    name: 'a flipped bit in the moments',
    says: /is not the file that was written/,
    break: ({ path, moments }) => flip(join(path, moments)),
  },
  {
    name: 'a file that was cut off',
    says: /has \d+ bytes, and had \d+ when it was written/,
    break: ({ path, weights }) => {
      const bytes = readFileSync(join(path, weights));
      writeFileSync(join(path, weights), bytes.subarray(0, bytes.length >> 1));
    },
  },
  {
    name: 'a file of another checkpoint',
    says: /is not the file that was written/,
    break: ({ path, older, moments }) => copyFileSync(join(older, moments), join(path, moments)),
  },
  {
    name: 'another checkpoint under its name',
    says: /it is the checkpoint of step \d+/,
    break: ({ path, older }) => {
      rmSync(path, { recursive: true });
      cpSync(older, path, { recursive: true });
    },
  },
  {
    name: 'a weight that is not a number, sealed',
    says: /not finite/,
    break: ({ path, weights }) => {
      const bytes = readFileSync(join(path, weights));
      bytes.writeFloatLE(Number.NaN, bytes.length - 4);
      writeFileSync(join(path, weights), bytes);
      seal(path);
    },
  },
  {
    name: 'a changed step, sealed',
    says: /it says step \d+, and its manifest step \d+/,
    break: ({ path, state }) => changeState(path, state, (value) => ({ ...value, step: Number(value.step) - 1 })),
  },
  {
    name: 'a history that was cut off, sealed',
    says: /it says step \d+, and has the records of \d+ steps/,
    break: ({ path, state, records }) =>
      changeState(path, state, (value) => ({ ...value, [records]: (value[records] as unknown[]).slice(0, -1) })),
  },
];

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 2]! ^= 1;
  writeFileSync(path, bytes);
}

type State = Record<string, unknown>;

function changeState(path: string, name: string, change: (state: State) => State): void {
  const file = join(path, name);
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as State)));
  seal(path);
}

/** Writes the hashes of the files as they are now into the manifest. */
function seal(path: string): void {
  const manifest = join(path, 'manifest.json');
  const { files, ...rest } = JSON.parse(readFileSync(manifest, 'utf8')) as { files: State };
  const sealed = Object.keys(files).map((name) => {
    const file = join(path, name);
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    return [name, { bytes: statSync(file).size, sha256 }];
  });
  writeFileSync(manifest, JSON.stringify({ ...rest, files: Object.fromEntries(sealed) }));
}

/** The checkpoints of a directory, by name. */
export function checkpointsOf(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('checkpoint-'));
}
