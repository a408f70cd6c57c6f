/** Runs a server in a process of its own, for attacks; its parent asks for the memory over IPC. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createRewardServer } from '@gram/serve';

const options = JSON.parse(process.argv[2] ?? '{}');
const model = {
  compare: async (items) =>
    items.map(({ a, b }) => ({
      probability: a.length / Math.max(1, a.length + b.length),
      consistent: true,
      truncated: false,
      neutralized: false,
    })),
};
const server = createRewardServer(model, {
  apiKey: '',
  ...options,
  onError: (error) => process.send({ fault: String(error) }),
});
const url = await server.listen();
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.on('message', (message) => {
  if (message === 'turn') {
    process.send({ turnMs: Math.round(delay.max / 1e6) });
    delay.reset();
    return;
  }
  // A collection takes long enough to be measured, so none is made while something else is.
  if (message === 'settled memory') globalThis.gc?.();
  process.send({ bytes: process.memoryUsage.rss() });
});
process.send({ url });
