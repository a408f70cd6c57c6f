import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { afterAll, describe, expect, it } from 'vitest';
import { float32, type NDArray } from '../../arrays/array.js';
import { encodeModel, type GraphNode } from '../../onnx/model.js';
import { call, created, getEnvironment, release } from '../environment.js';
import { encodeNames, pointers } from '../pointers.js';
import { Provider } from '../provider.js';
import { handleOf } from '../values.js';
import { loadLibrary, type Member } from './library.js';
import type { SessionMember } from './library.test.js';

/** Hardly the size that a pool has by default. */
const threadsAsked = 2 * availableParallelism() + 9;
process.env.GRAM_THREADS = String(threadsAsked);

const { api } = loadLibrary();
const { allocator, handle: env, hostMemory } = getEnvironment();

const folder = mkdtempSync(join(tmpdir(), 'gram-library-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Frees what was just made, often enough that the process would not outlive a wrong function. */
function freed(name: Member, make: () => unknown): void {
  for (let i = 0; i < 100; i++) expect(release(name, make())).toBeUndefined();
}

/** The message of a status. */
function messageOf(status: unknown): unknown {
  expect(status).not.toBeNull();
  return api.GetErrorMessage(status);
}

/** The runtime reads and writes arrays where they are, so that none of these may be collected. */
const kept: NDArray[] = [];
function matrix(shape: number[], values: number[]): NDArray<'float32'> {
  const made = float32(shape, values);
  kept.push(made);
  return made;
}
const vector = (...values: number[]) => matrix([values.length], values);
const blank = () => vector(0, 0, 0);

const x = vector(1, -2, 3);
const negated = [-1, 2, -3];
const absolute = [1, 2, 3];

const node = (op: string, inputs: string[], output: string): GraphNode => {
  return { op, domain: '', inputs, outputs: [output], attributes: {} };
};

/** A graph from `x` to the outputs of its nodes. Its `w`, if it has one, lies in a file that is not there. */
function model(nodes: GraphNode[], weight?: NDArray): Uint8Array {
  const info = (name: string) => ({ name, type: 'float32', shape: [3] }) as const;
  const initializers = (weight === undefined ? [] : [weight]).map(({ shape, dtype, data }) => {
    const bytes = { location: 'not-there.bin', offset: 0, length: data.byteLength };
    return { name: 'w', type: dtype, shape, bytes };
  });
  const outputs = nodes.map((each) => info(each.outputs[0]!));
  return encodeModel({ nodes, initializers, inputs: [info('x')], outputs });
}

const negation = model([node('Neg', ['x'], 'y')]);
const negationAndAbsolute = model([node('Neg', ['x'], 'y'), node('Abs', ['x'], 'z')]);
const square = matrix([64, 64], Array<number>(64 * 64).fill(0));
/** Three operations that cannot be joined, each with a result of 16 KB. */
const products = encodeModel({
  nodes: [node('MatMul', ['x', 'x'], 'a'), node('MatMul', ['a', 'a'], 'b'), node('MatMul', ['b', 'b'], 'y')],
  initializers: [],
  inputs: [{ name: 'x', type: 'float32', shape: [64, 64] }],
  outputs: [{ name: 'y', type: 'float32', shape: [64, 64] }],
});
const sumWith = (w: NDArray) => model([node('Add', ['x', 'w'], 'y')], w);
const productWith = (w: NDArray) => model([node('MatMul', ['x', 'w'], 'y')], w);

type Set = (options: unknown) => void;

/** What CreateSessionFromArray takes before its result. */
function sessionArguments(graph: Uint8Array, set: Set = () => {}): unknown[] {
  const options = created('CreateSessionOptions');
  set(options);
  return [env, graph, graph.length, options];
}

const sessionOf = (graph: Uint8Array, set?: Set) =>
  created('CreateSessionFromArray', ...sessionArguments(graph, set));

/** Gives a graph its `w` in both ways, like the adapter. */
const giving = (w: NDArray) => (options: unknown) => {
  call('AddExternalInitializers', options, ['w'], [handleOf(w)], 1);
  call('AddInitializer', options, 'w', handleOf(w));
};

/** What Run takes to read `input` and write `output`. */
const runArguments = (session: unknown, options: unknown, input: unknown, output: unknown) =>
  [
    session,
    options,
    encodeNames(['x']),
    pointers([input], 1),
    1,
    encodeNames(['y']),
    1,
    pointers([output], 1),
  ] as const;

/** Output `y` of a session. */
function result(session: unknown, input: unknown = handleOf(x), options: unknown = null): number[] {
  const y = blank();
  call('Run', ...runArguments(session, options, input, handleOf(y)));
  return [...y.data];
}

/** Checks the elements of a value. */
function expectValue(value: unknown, elements: ArrayLike<number>): void {
  expect(result(sessionOf(negation), value)).toEqual(Array.from(elements, (element) => -element));
}

/** A value over the memory of `x`, which a memory info describes. */
const valueIn = (memory: unknown, shape = [3n]) =>
  created('CreateTensorWithDataAsOrtValue', memory, x.data, x.data.byteLength, shape, 1, 1);

const newValue = (from: unknown) => created('CreateTensorAsOrtValue', from, [3n], 1, 1);

/** A binding of a session to `x` and to outputs. */
function bindingOf(session: unknown, bindOutputs: (binding: unknown) => void): unknown {
  const binding = created('CreateIoBinding', session);
  call('BindInput', binding, 'x', handleOf(x));
  bindOutputs(binding);
  return binding;
}

/** A run of a new session with a binding. */
function ranWith(graph: Uint8Array, bindOutputs: (binding: unknown) => void): unknown {
  const session = sessionOf(graph);
  const binding = bindingOf(session, bindOutputs);
  call('RunWithBinding', session, null, binding);
  return binding;
}

const profiling = (prefix: string) => (options: unknown) =>
  call('EnableProfiling', options, join(folder, prefix));

/** Ends the profile of a session and gives its path. */
function profileOf(session: unknown): string {
  const text = created('SessionEndProfiling', session, allocator);
  const path = koffi.decode(text, 'char', -1) as string;
  call('AllocatorFree', allocator, text);
  return path;
}

interface Operation {
  /** Bytes that the operation took from the arena. */
  readonly mem_in_use_delta: string;
  /** The pool's threads without the one that calls. */
  readonly thread_scheduling_stats: { readonly sub_threads?: object };
}

/** What a profile says of each operation, run after run. */
function operationsOf(path: string): Operation[] {
  const events = JSON.parse(readFileSync(path, 'utf8')) as { cat: string; args: Operation }[];
  return events.filter(({ cat }) => cat === 'Node').map(({ args }) => args);
}

function terminated(): unknown {
  const options = created('CreateRunOptions');
  call('RunOptionsSetTerminate', options);
  return options;
}

/** WebGPU, where it works. */
function webgpu(): Provider | undefined {
  try {
    return Provider.open('webgpu');
  } catch (error) {
    expect(error).toMatchObject({ code: 'device-unavailable' });
    return undefined;
  }
}

/** One test for each member: an effect that another function in its place would not have. */
const tests: Record<SessionMember, () => void | Promise<void>> = {
  CreateSessionFromArray() {
    expect(result(sessionOf(negation))).toEqual(negated);
    expect(() => sessionOf(new TextEncoder().encode('not a model'))).toThrow(/protobuf/i);
  },
  async Run() {
    const session = sessionOf(negation);
    expect(result(session)).toEqual(negated);
    const y = blank();
    const status = await new Promise((resolve, reject) => {
      api.Run.async(
        ...runArguments(session, null, handleOf(x), handleOf(y)),
        (error: unknown, value: unknown) => (error == null ? resolve(value) : reject(error)),
      );
    });
    expect(status).toBeNull();
    expect([...y.data]).toEqual(negated);
  },
  CreateSessionOptions() {
    const options = created('CreateSessionOptions');
    expect(options).not.toBe(created('CreateSessionOptions'));
    expect(result(created('CreateSessionFromArray', env, negation, negation.length, options))).toEqual(
      negated,
    );
  },
  EnableProfiling() {
    const session = sessionOf(negation, profiling('enabled'));
    result(session);
    expect(readFileSync(profileOf(session), 'utf8')).toContain('Neg_y_kernel_time');
    // Without the call there is no profile.
    expect(profileOf(sessionOf(negation))).toBe('');
  },
  DisableMemPattern() {
    // With a pattern the second run has its memory before its first operation; without, the operation asks for it.
    const asked = (set: Set) => {
      const session = sessionOf(products, (options) => {
        profiling('pattern')(options);
        set(options);
      });
      const run = () => call('Run', ...runArguments(session, null, handleOf(square), handleOf(square)));
      run();
      run();
      const [, , , first] = operationsOf(profileOf(session));
      return Number(first!.mem_in_use_delta);
    };
    expect(asked(() => {})).toBe(0);
    expect(asked((options) => call('DisableMemPattern', options))).toBeGreaterThan(0);
  },
  CreateRunOptions() {
    const session = sessionOf(negation);
    expect(result(session, handleOf(x), created('CreateRunOptions'))).toEqual(negated);
  },
  AddRunConfigEntry() {
    const options = created('CreateRunOptions');
    call('AddRunConfigEntry', options, 'memory.enable_memory_arena_shrinkage', 'gpu:7');
    const args = runArguments(sessionOf(negation), options, handleOf(x), handleOf(blank()));
    expect(messageOf(api.Run(...args))).toContain('gpu:7');
  },
  RunOptionsSetTerminate() {
    const args = runArguments(sessionOf(negation), terminated(), handleOf(x), handleOf(blank()));
    expect(messageOf(api.Run(...args))).toContain('terminate flag');
  },
  CreateTensorAsOrtValue() {
    const value = newValue(allocator);
    call('Run', ...runArguments(sessionOf(negation), null, handleOf(x), value));
    expectValue(value, negated);
  },
  CreateTensorWithDataAsOrtValue() {
    expectValue(valueIn(hostMemory), x.data);
    expect(() => valueIn(hostMemory, [4n])).toThrow('expected 16, got 12');
  },
  CreateMemoryInfo() {
    expectValue(valueIn(created('CreateMemoryInfo', 'Cpu', 0, 0, 0)), x.data);
    expect(() => created('CreateMemoryInfo', 'Nowhere', 0, 0, 0)).toThrow('device is not supported');
  },
  CreateCpuMemoryInfo() {
    expectValue(valueIn(created('CreateCpuMemoryInfo', 0, 0)), x.data);
  },
  AllocatorFree() {
    const session = sessionOf(negation);
    for (let i = 0; i < 100; i++) {
      call('AllocatorFree', allocator, created('SessionEndProfiling', session, allocator));
    }
  },
  ReleaseMemoryInfo() {
    const memory = created('CreateCpuMemoryInfo', 0, 0);
    const value = valueIn(memory);
    release('ReleaseMemoryInfo', memory);
    // A value has its own description.
    expectValue(value, x.data);
    freed('ReleaseMemoryInfo', () => created('CreateCpuMemoryInfo', 0, 0));
  },
  ReleaseSession() {
    const session = sessionOf(negation, profiling('released'));
    result(session);
    release('ReleaseSession', session);
    // The end of a session completes its profile.
    const name = readdirSync(folder).find((each) => each.startsWith('released'))!;
    expect(JSON.stringify(JSON.parse(readFileSync(join(folder, name), 'utf8')))).toContain(
      'Neg_y_kernel_time',
    );
  },
  ReleaseRunOptions: () => freed('ReleaseRunOptions', () => created('CreateRunOptions')),
  ReleaseSessionOptions() {
    const args = sessionArguments(negation);
    const session = created('CreateSessionFromArray', ...args);
    release('ReleaseSessionOptions', args.at(-1));
    expect(result(session)).toEqual(negated);
    freed('ReleaseSessionOptions', () => created('CreateSessionOptions'));
  },
  SessionEndProfiling() {
    const path = profileOf(sessionOf(negation, profiling('ended')));
    expect(path.startsWith(join(folder, 'ended'))).toBe(true);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toBeInstanceOf(Array);
  },
  DisablePerSessionThreads() {
    const workers = (set: Set) => {
      const session = sessionOf(products, (options) => {
        profiling('threads')(options);
        set(options);
      });
      call('Run', ...runArguments(session, null, handleOf(square), handleOf(square)));
      const [first] = operationsOf(profileOf(session));
      return Object.keys(first!.thread_scheduling_stats.sub_threads ?? {}).length;
    };
    // The pool of the environment is as large as asked for, that of a session as the machine suggests.
    expect(workers((options) => call('DisablePerSessionThreads', options))).toBe(threadsAsked - 1);
    expect(workers(() => {})).not.toBe(threadsAsked - 1);
  },
  AddSessionConfigEntry() {
    const wrongFormat = (options: unknown) =>
      call('AddSessionConfigEntry', options, 'session.load_model_format', 'ORT');
    expect(() => sessionOf(negation, wrongFormat)).toThrow('ORT model verification failed');
  },
  CreateAllocator() {
    const session = sessionOf(negation);
    const value = newValue(created('CreateAllocator', session, hostMemory));
    call('Run', ...runArguments(session, null, handleOf(x), value));
    expectValue(value, negated);
    // The session has no memory but the host's.
    const gpu = created('CreateMemoryInfo', 'WebGPU_Buf', 0, 0, 0);
    expect(() => created('CreateAllocator', session, gpu)).toThrow('No requested allocator available');
  },
  ReleaseAllocator() {
    const session = sessionOf(negation);
    freed('ReleaseAllocator', () => created('CreateAllocator', session, hostMemory));
    expect(result(session)).toEqual(negated);
  },
  RunWithBinding() {
    const session = sessionOf(negation);
    const y = blank();
    const binding = bindingOf(session, (made) => call('BindOutput', made, 'y', handleOf(y)));
    expect(messageOf(api.RunWithBinding(session, terminated(), binding))).toContain('terminate flag');
    call('RunWithBinding', session, null, binding);
    expect([...y.data]).toEqual(negated);
  },
  CreateIoBinding() {
    const session = sessionOf(negation);
    const [first, second] = [blank(), blank()];
    // Each has outputs of its own.
    const bindings = [first, second].map((y) =>
      bindingOf(session, (made) => call('BindOutput', made, 'y', handleOf(y))),
    );
    call('RunWithBinding', session, null, bindings[1]);
    expect([[...first.data], [...second.data]]).toEqual([[0, 0, 0], negated]);
  },
  ReleaseIoBinding() {
    const session = sessionOf(negation);
    const bind = (made: unknown) => call('BindOutput', made, 'y', handleOf(x));
    freed('ReleaseIoBinding', () => bindingOf(session, bind));
    expect(result(session)).toEqual(negated);
  },
  BindInput() {
    const session = sessionOf(negation);
    const unknownName = () => call('BindInput', created('CreateIoBinding', session), 'other', handleOf(x));
    expect(unknownName).toThrow(/input name .*other/);
    const y = blank();
    const binding = bindingOf(session, (made) => call('BindOutput', made, 'y', handleOf(y)));
    call('BindInput', binding, 'x', handleOf(vector(4, 5, 6)));
    call('RunWithBinding', session, null, binding);
    expect([...y.data]).toEqual([-4, -5, -6]);
  },
  BindOutput() {
    const [y, z] = [blank(), blank()];
    ranWith(negationAndAbsolute, (binding) => {
      call('BindOutput', binding, 'z', handleOf(z));
      call('BindOutput', binding, 'y', handleOf(y));
    });
    expect([[...y.data], [...z.data]]).toEqual([negated, absolute]);
  },
  SynchronizeBoundOutputs() {
    const y = blank();
    const binding = ranWith(negation, (made) => call('BindOutput', made, 'y', handleOf(y)));
    call('SynchronizeBoundOutputs', binding);
    expect([...y.data]).toEqual(negated);
  },
  AddInitializer() {
    const w = vector(10, 20, 30);
    const session = sessionOf(sumWith(w), giving(w));
    expect(result(session)).toEqual([11, 18, 33]);
    // It is the memory in use, not a copy.
    w.data.fill(0);
    expect(result(session)).toEqual([...x.data]);
  },
  AddExternalInitializers() {
    const w = vector(10, 20, 30);
    const session = sessionOf(sumWith(w), (options) =>
      call('AddExternalInitializers', options, ['w'], [handleOf(w)], 1),
    );
    // It copies.
    w.data.fill(0);
    expect(result(session)).toEqual([11, 18, 33]);
  },
  CreateSessionFromArrayWithPrepackedWeightsContainer() {
    const container = created('CreatePrepackedWeightsContainer');
    const w = matrix([3, 3], [1, 0, 0, 0, 2, 0, 0, 5, 3]);
    const create = () =>
      created(
        'CreateSessionFromArrayWithPrepackedWeightsContainer',
        ...sessionArguments(productWith(w), giving(w)),
        container,
      );
    const sessions = [create(), create()];
    expect(sessions.map((session) => result(session))).toEqual([
      [1, 11, 9],
      [1, 11, 9],
    ]);
    for (const session of sessions) release('ReleaseSession', session);
    release('ReleasePrepackedWeightsContainer', container);
  },
  CopyTensors() {
    const copied = blank();
    const copy = (from: unknown, to: unknown) => call('CopyTensors', env, [from], [to], null, 1);
    // Copies are the work of a device; the host has none from itself to itself.
    expect(() => copy(handleOf(x), handleOf(copied))).toThrow('Data transfer implementation');
    const provider = webgpu();
    if (provider === undefined) return;
    const value = provider.allocate(x);
    copy(handleOf(x), value);
    copy(value, handleOf(copied));
    expect([...copied.data]).toEqual([...x.data]);
  },
};

describe('a member of the table', () => {
  it.each(Object.keys(tests) as SessionMember[])('%s', (name) => tests[name]());
});
