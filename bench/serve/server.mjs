/** Runs the server of the load test in a process of its own; its parent asks for the memory over IPC. */
import { createRewardServer } from '@gram/serve';
import { createModel, makeItems } from './model.mjs';

const [port, queue, comparisons] = process.argv.slice(2).map(Number);
const model = await createModel();
await model.compare(makeItems(64));
const server = createRewardServer(model, {
  apiKey: '',
  port,
  limits: { queue, comparisons },
  onError: (error) => console.error(error),
});
const url = await server.listen();
process.on('message', () => process.send({ rss: process.memoryUsage.rss() }));
process.send({ url });
