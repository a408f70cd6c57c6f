import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../error.js';
import { keepingBackend } from './backend.js';
import './registrations.js';

/** Name of the backend that both packages register. */
export const TENSORFLOW_BACKEND = 'tensorflow';

const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
type PackageName = (typeof PACKAGES)[number];

let loadedPackage: string | undefined;

/**
 * Loads `@tensorflow/tfjs-node-gpu`, or else `@tensorflow/tfjs-node`, which add the backend to TensorFlow.js. Neither is a
 * dependency: whoever wants the device installs one.
 *
 * @returns the name of the package
 * @throws {EngineError} `device-unavailable` when neither loads
 */
export async function loadTensorFlow(): Promise<string> {
  if (loadedPackage !== undefined) return loadedPackage;
  let failure: { readonly name: PackageName; readonly reason: string } | undefined;
  for (const name of PACKAGES) {
    const require = requireOf(name);
    if (require === undefined) continue;
    const reason = failureToLoad(name, require);
    if (reason === undefined) {
      loadedPackage = name;
      return name;
    }
    failure ??= { name, reason };
  }
  if (failure === undefined) {
    throw new EngineError(
      'device-unavailable',
      "the device 'tensorflow' needs @tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node, and neither is installed",
      "run 'pnpm add @tensorflow/tfjs-node-gpu' (or tfjs-node without a GPU) and let it run its install script",
    );
  }
  throw new EngineError(
    'device-unavailable',
    `${failure.name} is installed but does not load: ${failure.reason}`,
    `run 'pnpm rebuild ${failure.name}', which fetches its library`,
  );
}

/** A `require` that finds the package: from this file, or from the folder that the program was started in. */
function requireOf(name: PackageName): NodeJS.Require | undefined {
  return [createRequire(import.meta.url), createRequire(`${process.cwd()}/`)].find((each) => {
    try {
      each.resolve(`${name}/package.json`);
      return true;
    } catch {
      return false;
    }
  });
}

/** Loads a package, and gives the reason if that fails. */
function failureToLoad(name: PackageName, require: NodeJS.Require): string | undefined {
  const isProduction = tf.env().getBool('PROD');
  // The package makes its backend current. The choice of the backend is that of the program.
  return keepingBackend(() => {
    try {
      // The package has its own copy of TensorFlow.js, which would warn of every kernel that is already there.
      tf.env().set('PROD', true);
      require(name);
      return undefined;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return message.split('\n', 1).join();
    } finally {
      tf.env().set('PROD', isProduction);
    }
  });
}
