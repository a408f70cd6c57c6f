import { type DeviceName, deviceIndex, deviceNames, isDeviceName } from '../arrays/device-array.js';
import { EngineError } from '../error.js';
import type { Device } from './device.js';
import { fastestDevice } from './fastest.js';
import { openRuntimeDevice } from './runtime-device.js';
import { openTensorFlow } from './tensorflow-device.js';

const opened = new Map<DeviceName | 'auto', Promise<Device>>();

/**
 * Starts a device, once in a process. `auto` stands for the fastest device; see `fastestDevice`.
 *
 * @throws {EngineError} `unknown-device`; `device-unavailable` with the reason and what to do
 */
export function openDevice(wanted: DeviceName | 'auto'): Promise<Device> {
  // The first GPU has two names.
  const name = wanted === 'cuda:0' ? 'cuda' : wanted;
  const known = opened.get(name);
  if (known !== undefined) return known;
  const device = start(name);
  opened.set(name, device);
  // A device that failed may work later, when something was installed or an environment variable was set.
  device.catch(() => opened.delete(name));
  return device;
}

async function start(name: DeviceName | 'auto'): Promise<Device> {
  if (name === 'auto') return openDevice(await fastestDevice());
  if (!isDeviceName(name)) {
    throw new EngineError(
      'unknown-device',
      `there is no device '${String(name)}'`,
      `use ${deviceNames.map((each) => `'${each}'`).join(', ')} or 'auto'`,
    );
  }
  const { kind, index } = deviceIndex(name);
  return kind === 'tensorflow' ? openTensorFlow() : openRuntimeDevice(kind, index);
}
