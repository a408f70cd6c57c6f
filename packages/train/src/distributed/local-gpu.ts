import type { Place } from './communicator.js';

/**
 * Which GPU a process is to see, as a value of `CUDA_VISIBLE_DEVICES`: the processes of a machine take turns over those that
 * are visible. A process whose launcher gave it a single one keeps that.
 *
 * @param visible what the variable is now; undefined means all
 */
export function localGpu({ localRank }: Pick<Place, 'localRank'>, visible: string | undefined): string {
  if (visible === undefined) return String(localRank);
  const devices = visible.split(',').map((device) => device.trim());
  return devices[localRank % devices.length] ?? '';
}
