// Says which devices work here: one line each, and in the last one whether CUDA does.
import { diagnose } from '@gram/engine';

const reports = await diagnose();
for (const { device, works, detail, rate, reason, fix } of reports) {
  const speed = rate === undefined ? '' : `, ${(rate / 1e9).toFixed(0)} GFLOP/s`;
  console.log(works ? `${device}: ${detail}${speed}` : `${device}: no, ${reason}; ${fix}`);
}
process.exit(reports.some(({ device, works }) => device === 'cuda' && works) ? 0 : 1);
