import koffi from 'koffi';
import { expect, it } from 'vitest';
import { loadNccl } from './nccl.js';

function isInstalled(): boolean {
  try {
    koffi.load('libnccl.so.2').unload();
    return true;
  } catch {
    return false;
  }
}

// The library works on a GPU only, but says its version and makes identities anywhere.
it.runIf(isInstalled())("binds NVIDIA's library where it is installed", async () => {
  const library = await loadNccl();
  expect(library.version).toMatch(/^2\.\d+\.\d+$/);
  const [first, second] = [library.createId(), library.createId()];
  expect(first).toHaveLength(128);
  expect(Buffer.compare(first, second)).not.toBe(0);
});

it.skipIf(isInstalled())('says what is missing, and how it is added', async () => {
  await expect(loadNccl()).rejects.toMatchObject({
    code: 'nccl',
    message: 'libnccl.so.2 is not found',
    hint: expect.stringMatching(/^apt-get install libnccl2/),
  });
});
