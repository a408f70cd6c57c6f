import { checkDevice, type DeviceName, deviceNames, isDeviceName, type Precision } from '@gram/engine';
import type { WeightPrecision } from '@gram/model';
import { CliError } from '../error.js';

/** The flag of every command that computes on a device of choice. */
export const deviceFlag = {
  value: 'NAME',
  help: `device to compute on: ${deviceNames.join(', ')}, auto, or cuda:1 and so on where there are several GPUs; default cpu`,
} as const;

const STORED = ['float32', 'int8', 'int4'] as const;
const MULTIPLIED = ['tf32', 'bfloat16', 'float16'] as const;

/** The flag of every command that loads a model to use it. */
export const precisionFlag = {
  value: 'NAME',
  choices: [...STORED, ...MULTIPLIED],
  help: 'int8 or int4, in which the matrices of the layers are kept, or tf32, bfloat16 or float16, in which a GPU multiplies them; default float32',
} as const;

/** The precisions in which matrices are kept and multiplied. */
export interface MatrixPrecision {
  readonly precision: WeightPrecision;
  readonly products: Precision;
}

/** Reads the value of `precisionFlag`. */
export function readPrecision(value: string | undefined): MatrixPrecision {
  const products = MULTIPLIED.find((name) => name === value);
  const precision = STORED.find((name) => name === value) ?? 'float32';
  return { precision, products: products ?? 'float32' };
}

/** Starts the device that the flag names: one that does not work, or does not multiply so, is refused before anything is loaded. */
export async function startDevice(
  value: string | undefined,
  { products }: Pick<MatrixPrecision, 'products'>,
): Promise<DeviceName | 'auto' | undefined> {
  if (value !== undefined && value !== 'auto' && !isDeviceName(value)) {
    throw new CliError(
      'usage',
      `--device cannot be ${JSON.stringify(value.slice(0, 200))}`,
      `give one of ${deviceNames.join(', ')}, auto, or cuda:1 and so on`,
    );
  }
  if (value !== undefined || products !== 'float32') await checkDevice(value ?? 'cpu', products);
  return value;
}
