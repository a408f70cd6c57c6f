/**
 * Chooses which GPU a process is to see, as a value of `CUDA_VISIBLE_DEVICES`: each process of a machine gets one of those that
 * are visible. A process whose launcher gave it a single one keeps that. A process for which none is left sees none, so that
 * the device 'cuda' refuses to start there, and others do.
 *
 * @param place the number of the process among those on its machine
 * @param visible what the variable is now; undefined means all
 */
export function localGpu({ localRank }: { readonly localRank: number }, visible: string | undefined): string {
  if (visible === undefined) return String(localRank);
  const devices = visible.split(',').map((device) => device.trim());
  return (devices.length === 1 ? devices[0] : devices[localRank]) ?? '';
}
