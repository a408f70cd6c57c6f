import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../error.js';
import './registrations.js';

/** Name of the backend that both packages register. */
export const tensorFlowBackend = 'tensorflow';

const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** A package of TensorFlow for Node, or why it does not load. */
export interface TensorFlowState {
  readonly package: (typeof packages)[number];
  readonly installed: boolean;
  readonly error?: string;
}

let loaded: string | undefined;

/**
 * Loads `@tensorflow/tfjs-node-gpu`, or else `@tensorflow/tfjs-node`, which add the backend to
 * TensorFlow.js. Neither is a dependency: whoever wants it installs it.
 *
 * @returns the name of the package
 * @throws EngineError `device-unavailable` with what to do
 */
export async function loadTensorFlow(): Promise<string> {
  if (loaded !== undefined) return loaded;
  const states: TensorFlowState[] = [];
  for (const name of packages) {
    const state = await tryToLoad(name);
    if (state.installed && state.error === undefined) {
      loaded = name;
      return name;
    }
    states.push(state);
  }
  const broken = states.find(({ installed }) => installed);
  throw new EngineError(
    'device-unavailable',
    broken === undefined
      ? "the device 'tensorflow' needs @tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node, and neither is installed"
      : `${broken.package} is installed but does not load: ${broken.error}`,
    broken === undefined
      ? "run 'pnpm add @tensorflow/tfjs-node-gpu' (or tfjs-node without a GPU) and let it run its install script"
      : `run 'pnpm rebuild ${broken.package}', which fetches its library`,
  );
}

async function tryToLoad(name: (typeof packages)[number]): Promise<TensorFlowState> {
  // Resolved from here, or from where the program was started.
  const resolvers = [createRequire(import.meta.url), createRequire(`${process.cwd()}/`)];
  const require = resolvers.find((each) => {
    try {
      each.resolve(`${name}/package.json`);
      return true;
    } catch {
      return false;
    }
  });
  if (require === undefined) return { package: name, installed: false };
  const engine = tf.engine() as unknown as { backendName: string | null; backendInstance: unknown };
  const { backendName, backendInstance } = engine;
  const quiet = tf.env().getBool('PROD');
  try {
    // The package brings its own copy of TensorFlow.js, which would warn of every kernel that is there already.
    tf.env().set('PROD', true);
    require(name);
    return { package: name, installed: true };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { package: name, installed: true, error: message.split('\n')[0]! };
  } finally {
    // Loading the package makes its backend current; which one is stays the choice of the program.
    tf.env().set('PROD', quiet);
    engine.backendName = backendName;
    engine.backendInstance = backendInstance;
  }
}
