import { threadCount } from '@gram/base';
import { type DeviceName, deviceNames } from './arrays/device-array.js';
import { matrixRate } from './devices/fastest.js';
import { openDevice } from './devices/open.js';
import { EngineError } from './error.js';
import type { Int8Kernel } from './graph/target.js';
import { runtimeVersion } from './onnxruntime/environment.js';
import { int8Kernel } from './onnxruntime/int8-kernel.js';
import { loadTensorFlow } from './tensorflow/library.js';

/** Tells whether a device works on this machine, and what would add one that does not. */
export type DeviceReport =
  | {
      readonly device: DeviceName;
      readonly works: true;
      /** Library that runs underneath, and its settings. */
      readonly detail: string;
      /** Floating-point operations per second of a matrix product; absent for `tensorflow`. */
      readonly rate?: number;
      /** Form of 8-bit weights that is exact on this processor; present for `cpu` alone. */
      readonly int8Kernel?: Int8Kernel;
    }
  | {
      readonly device: DeviceName;
      readonly works: false;
      readonly reason: string;
      /** Command or step that would add the device. */
      readonly fix: string;
    };

/**
 * Tries every device: it reports which work here, why the others do not, and what would add each.
 *
 * @example
 * ```ts
 * for (const report of await diagnose()) console.log(report.device, report.works ? report.detail : report.fix);
 * ```
 */
export async function diagnose(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const device of deviceNames) {
    try {
      reports.push(await tryDevice(device));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      reports.push({ device, works: false, reason: error.message, fix: remedy(device, error) });
    }
  }
  return reports;
}

async function tryDevice(device: DeviceName): Promise<DeviceReport> {
  await openDevice(device);
  if (device === 'tensorflow') return { device, works: true, detail: await loadTensorFlow() };
  const runtime = `ONNX Runtime ${runtimeVersion()}`;
  const rate = await matrixRate(device, { size: 512, runs: 3 });
  if (device !== 'cpu') return { device, works: true, detail: runtime, rate };
  const kernel = int8Kernel();
  const detail = `${runtime}, ${threadCount()} threads, ${kernel} 8-bit weights`;
  return { device, works: true, detail, rate, int8Kernel: kernel };
}

function remedy(device: DeviceName, error: EngineError): string {
  if (device === 'webgpu' && error.code === 'device-unavailable') {
    if (process.platform !== 'linux') return 'update the driver of the graphics card';
    return "install a Vulkan driver: the graphics card's own, or 'apt-get install mesa-vulkan-drivers'";
  }
  return error.hint;
}
