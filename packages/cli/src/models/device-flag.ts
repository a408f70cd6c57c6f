import { type DeviceName, deviceNames, place } from '@gram/engine';

/** The flag of every command that computes on a device of choice. */
export const deviceFlag = {
  value: 'NAME',
  choices: ['auto', ...deviceNames],
  help: 'device to compute on; default cpu',
} as const;

/** Starts the device that the flag names: one that does not work is refused before anything is loaded. */
export async function startDevice(value: string | undefined): Promise<DeviceName | 'auto' | undefined> {
  const device = value as DeviceName | 'auto' | undefined;
  if (device !== undefined) await place({}, device);
  return device;
}
