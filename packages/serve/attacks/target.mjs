/** Runs a server in a process of its own, for attacks; its parent asks for the memory over IPC. */
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
process.on('message', (message) => {
  // A collection takes long enough to be measured, so none is made while something else is.
  if (message === 'settled memory') globalThis.gc?.();
  process.send({ bytes: process.memoryUsage.rss() });
});
process.send({ url });
