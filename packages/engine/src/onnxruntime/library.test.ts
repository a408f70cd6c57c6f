import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { float32 } from '../array.js';
import { encodeModel, type GraphModel, type GraphNode } from '../onnx/model.js';
import { getEnvironment } from './environment.js';
import { checkVersion, libraryFolder, loadLibrary, type Member, openLibrary } from './library.js';
import { members } from './members.js';
import { Provider } from './provider.js';

// A number that is hardly the number of cores, which is what a pool has by default.
const threads = 7;
process.env.GRAM_THREADS = String(threads);

const { api } = loadLibrary();
const { handle: env, hostMemory, allocator } = getEnvironment();
const folder = mkdtempSync(join(tmpdir(), 'gram-library-'));
afterAll(() => rmSync(folder, { recursive: true }));

const float = 1;
const invalidArgument = 2;
/** The runtime reads the arrays where they are, so they stay for as long as the file runs. */
const kept: Float32Array[] = [];

/** Code and message of a status that reports an error. */
function failure(status: unknown): string {
  if (status === null) throw new Error('the call should have failed');
  const text = `${api.GetErrorCode(status)}: ${api.GetErrorMessage(status)}`;
  api.ReleaseStatus(status);
  return text;
}

function check(status: unknown): void {
  if (status !== null) throw new Error(failure(status));
}

/** What a function makes whose last parameter says where to put it. */
function made(name: Member, ...args: unknown[]): unknown {
  const out: unknown[] = [null];
  check(api[name](...args, out));
  return out[0];
}

function vector(...values: number[]): Float32Array {
  const data = Float32Array.from(values);
  kept.push(data);
  // Small typed arrays live in the JavaScript heap and move; asking for the buffer pins them.
  void data.buffer;
  return data;
}

function tensor(data: Float32Array, shape = [data.length], memory = hostMemory): unknown {
  const sizes = shape.map(BigInt);
  return made('CreateTensorWithDataAsOrtValue', memory, data, data.byteLength, sizes, sizes.length, float);
}

function graph(nodes: [op: string, inputs: string, output: string][], shape: (number | string)[]) {
  const list = nodes.map(
    ([op, inputs, output]): GraphNode => ({
      op,
      domain: '',
      inputs: inputs.split(' '),
      outputs: [output],
      attributes: {},
    }),
  );
  const io = { type: 'float32', shape } as const;
  const model = { nodes: list, inputs: [{ name: 'x', ...io }], outputs: [{ name: 'y', ...io }] };
  return { ...model, initializers: [] } satisfies GraphModel;
}

const negate = graph([['Neg', 'x', 'y']], ['N']);

/** x + w, where the values of w are in a file that does not exist. */
const sum: GraphModel = {
  ...graph([['Add', 'x w', 'y']], [2]),
  initializers: [
    { name: 'w', type: 'float32', shape: [2], bytes: { location: 'absent.bin', offset: 0, length: 8 } },
  ],
};

function optionsWith(configure: (options: unknown) => void): unknown {
  const options = made('CreateSessionOptions');
  configure(options);
  return options;
}

function session(model: GraphModel = negate, configure: (options: unknown) => void = () => {}): unknown {
  const bytes = encodeModel(model);
  return made('CreateSessionFromArray', env, bytes, bytes.length, optionsWith(configure));
}

function createFails(model: GraphModel, configure: (options: unknown) => void): string {
  const bytes = encodeModel(model);
  return failure(
    api.CreateSessionFromArray(env, bytes, bytes.length, optionsWith(configure), [null]),
  );
}

function runInto(target: unknown, graphSession: unknown, x: unknown, runOptions: unknown = null): unknown {
  return api.Run(graphSession, runOptions, ['x'], [x], 1, ['y'], 1, [target]);
}

/** What a session with the input x and the output y of two numbers computes. */
function run(graphSession: unknown, x: unknown, runOptions?: unknown): number[] {
  const y = vector(0, 0);
  check(runInto(tensor(y), graphSession, x, runOptions));
  return [...y];
}

/** The numbers of a value that may lie in memory of the runtime. */
function read(value: unknown): number[] {
  return run(session(), value).map((number) => -number);
}

interface NodeEvent {
  readonly cat: string;
  readonly args: Record<string, string> & {
    readonly thread_scheduling_stats: { sub_threads?: Record<string, unknown> };
  };
}

/** Runs three products of matrices and gives what the profile says of the first one, in each of the runs. */
function profiled(configure: (options: unknown) => void, runs = 1): NodeEvent['args'][] {
  const size = 64;
  const chain = graph([['MatMul', 'x x', 'a'], ['MatMul', 'a a', 'b'], ['MatMul', 'b b', 'y']], [size, size]); // prettier
  const made_ = session(chain, (options) => {
    check(api.EnableProfiling(options, join(folder, 'profile')));
    configure(options);
  });
  const square = () => tensor(vector(...new Float32Array(size * size)), [size, size]);
  for (let i = 0; i < runs; i++) check(runInto(square(), made_, square()));
  const text = made('SessionEndProfiling', made_, allocator);
  const path = koffi.decode(text, 'char', -1) as string;
  check(api.AllocatorFree(allocator, text));
  const events = JSON.parse(readFileSync(path, 'utf8')) as NodeEvent[];
  return events.filter(({ cat }) => cat === 'Node').flatMap(({ args }, i) => (i % 3 === 0 ? [args] : []));
}
