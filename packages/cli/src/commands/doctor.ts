import { type DeviceReport, diagnose } from '@gram/engine';
import { textTable } from '@gram/report';
import { defineCommand } from '../command.js';

/** `gram doctor`: which devices work on this machine. */
export const doctorCommand = defineCommand({
  flags: { json: { help: 'print JSON' } },
  example: 'gram doctor',
  cost: 'a few matrix products on each device, a second or two',
  async run({ json }, io) {
    // A check leaves nothing behind: the drivers of Mesa and NVIDIA would keep what they compile in the home.
    process.env.MESA_SHADER_CACHE_DISABLE ??= 'true';
    process.env.__GL_SHADER_DISK_CACHE ??= '0';
    process.env.CUDA_CACHE_DISABLE ??= '1';
    const reports = await diagnose();
    if (json) {
      io.stdout.write(`${JSON.stringify({ node: process.version, devices: reports })}\n`);
      return;
    }
    const columns = [{ name: 'device' }, { name: 'works' }, { name: 'GFLOP/s' }, { name: 'with' }];
    const rows = reports.map((report) =>
      report.works
        ? [report.device, 'yes', speed(report), report.detail]
        : [report.device, 'no', '', report.reason],
    );
    io.stdout.write(`Node ${process.version}, ${process.platform} ${process.arch}\n\n`);
    io.stdout.write(`${textTable({ columns, rows })}\n`);
    const missing = reports.filter((report) => !report.works);
    if (missing.length === 0) return;
    io.stdout.write(`\nTo add\n${missing.map(({ device, fix }) => `  ${device}: ${fix}\n`).join('')}`);
  },
});

function speed({ rate }: Extract<DeviceReport, { works: true }>): string {
  return rate === undefined ? '' : (rate / 1e9).toFixed(rate < 1e10 ? 1 : 0);
}
