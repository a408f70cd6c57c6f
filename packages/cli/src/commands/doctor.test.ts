import { deviceNames } from '@gram/engine';
import { expect, it } from 'vitest';
import { gram } from '../__fixtures__/run.js';

it('lists every device: that it works and how fast, or why not and what would add it', async () => {
  const { status, stdout } = await gram(['doctor', '--json']);
  expect(status).toBe(0);
  const { devices, node } = JSON.parse(stdout);
  expect(node).toBe(process.version);
  expect(devices.map(({ device }: { device: string }) => device)).toEqual(deviceNames);
  expect(devices[0]).toMatchObject({
    device: 'cpu',
    works: true,
    detail: expect.stringMatching(/ONNX Runtime \d.*, (signed|unsigned) 8-bit weights/),
  });
  expect(devices[0].detail).toContain(`, ${devices[0].int8Kernel} 8-bit weights`);
  expect(devices[0].rate).toBeGreaterThan(1e8);
  for (const { works, reason, fix } of devices) {
    if (!works) expect([reason.length > 0, fix.length > 0]).toEqual([true, true]);
  }

  const table = await gram(['doctor']);
  expect(table.status).toBe(0);
  for (const { device, works, fix } of devices) {
    expect(table.stdout).toMatch(new RegExp(`^${device} +${works ? 'yes' : 'no'}`, 'm'));
    if (!works) expect(table.stdout).toContain(`  ${device}: ${fix}`);
  }
});
