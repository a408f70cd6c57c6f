import { basename } from 'node:path';
import { checkAddress, createRewardServer } from '@gram/serve';
import { defineCommand } from '../command.js';
import { errorText } from '../describe-error.js';
import { judgeFlags, loadJudge, readJudgeFlags } from '../models/load-judge.js';
import { renderedReaderOf } from '../models/rendered-reader.js';
import { wholeNumber } from '../parse-flags.js';

/** `gram serve`: a reward model behind HTTP. */
export const serveCommand = defineCommand({
  flags: {
    ...judgeFlags,
    host: {
      value: 'ADDRESS',
      help: 'address to listen at; default 127.0.0.1; any other requires GRAM_API_KEY',
    },
    port: { value: 'PORT', help: 'port to listen at; default 8000; 0 takes any free port' },
    reference: {
      value: 'TEXT',
      help: 'response that others are compared with where a client wants a score for each; default the others to the same prompt',
    },
    deadline: { value: 'SECONDS', help: 'longest time that a request may take; default 60' },
  },
  example: 'gram serve --model runs/one/model --port 8000',
  cost: 'loading the model and a first comparison; then two forward passes a comparison',
  async run(values, io) {
    const { host, port = '8000', reference, deadline = '60' } = values;
    const options = {
      host,
      port: wholeNumber('port', port, 0),
      reference,
      deadlineMs: 1000 * wholeNumber('deadline', deadline, 1),
      // A name and not a path, which would tell clients about this machine.
      name: basename(values.model),
      onError: (error: unknown) => io.stderr.write(errorText(error)),
    };
    // Before the model is loaded, which takes long: wrong options and a port that is taken are found at once.
    await checkAddress(options);
    const settings = await readJudgeFlags(values, io);
    const model = await loadJudge(settings, io);
    try {
      // The first comparison compiles the model, which no client should wait for.
      await model.compare([{ prompt: '', a: 'a', b: 'b' }], { signal: io.signal });
      const parseRendered = await renderedReaderOf(settings.source);
      const server = createRewardServer(model, { ...options, parseRendered });
      const url = await server.listen();
      io.stdout.write(`${url}\n`);
      await aborted(io.signal);
      io.stderr.write('finishing what was accepted\n');
      await server.close();
    } finally {
      model.dispose();
    }
  },
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
