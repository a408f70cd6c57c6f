import { basename } from 'node:path';
import type { RewardModel } from '@gram/reward';
import { createRewardServer } from '@gram/serve';
import { defineCommand } from '../command.js';
import { wholeNumber } from '../parse-flags.js';
import { judgeFlags, loadJudge, readJudgeFlags } from './load-judge.js';

/** `gram serve`: a reward model behind HTTP. */
export const serveCommand = defineCommand({
  name: 'serve',
  summary: 'Serves a reward model over HTTP, with a page to try it.',
  flags: {
    ...judgeFlags,
    host: { value: 'ADDRESS', help: 'Where to listen; default 127.0.0.1. Others need GRAM_API_KEY.' },
    port: { value: 'PORT', help: 'Default 8000; 0 is any port that is free.' },
    reference: {
      value: 'TEXT',
      help: 'What responses are compared with where a client wants a score for each; default the others to the same prompt.',
    },
    deadline: { value: 'SECONDS', help: 'The longest that a request may take; default 60.' },
  },
  example: 'gram serve --model runs/one/model --port 8000',
  cost: 'loading the model and a first comparison; then two forward passes a comparison.',
  async run(values, io) {
    const { host, port = '8000', reference, deadline = '60' } = values;
    const options = {
      host,
      port: wholeNumber('port', port, 0),
      reference,
      deadlineMs: 1000 * wholeNumber('deadline', deadline, 1),
      // A name and not a path, which would tell clients about this machine.
      name: basename(values.model),
      onError: (error: unknown) =>
        io.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`),
    };
    let model: RewardModel | undefined;
    // Made before the model is loaded: wrong options are found at once.
    const server = createRewardServer({ compare: (items, run) => model!.compare(items, run) }, options);
    const terminated = new AbortController();
    const onTerm = () => terminated.abort();
    try {
      model = await loadJudge(await readJudgeFlags(values, io), io);
      // The first comparison compiles the model, which no client should wait for.
      await model.compare([{ prompt: '', a: 'a', b: 'b' }], { signal: io.signal });
      const url = await server.listen();
      // Whoever stops a service sends SIGTERM; it shall end as after Ctrl-C.
      process.once('SIGTERM', onTerm);
      io.stdout.write(`${url}\n`);
      await aborted(AbortSignal.any([io.signal, terminated.signal]));
      io.stderr.write('finishing what was accepted\n');
      await server.close();
    } finally {
      process.off('SIGTERM', onTerm);
      model?.dispose();
    }
  },
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
