import { conversationText, createRandom, promptTurns, type Turn } from '@gram/base';
import { disposeArrays, place } from '@gram/engine';
import {
  type Completion,
  createGenerator,
  type Decoding,
  longestSequence,
  type PlacedWeights,
} from '@gram/model';
import { createChatTemplate, createTextStream, encodeChat, findChatTemplate } from '@gram/tokenize';
import { defineCommand } from '../command.js';
import { CliError } from '../error.js';
import { type PromptInput, promptFlags, readPrompt } from '../input/prompt-input.js';
import { deviceFlag, precisionFlag, readPrecision, startDevice } from '../models/device-flag.js';
import { modelOperand } from '../models/model-flags.js';
import { loadWritingModel, type WritingModel } from '../models/writing-model.js';
import { decimalNumber, wholeNumber } from '../parse-flags.js';

/** `gram generate`: what a language model answers. */
export const generateCommand = defineCommand({
  flags: {
    model: { ...modelOperand, required: true },
    ...promptFlags,
    system: { value: 'TEXT', help: 'text of the system turn; default that of the chat template' },
    plain: { help: 'continue the prompt as it is, without a chat template' },
    adapter: { value: 'DIR', help: 'a LoRA adapter in the format of PEFT, which is laid over the model' },
    precision: precisionFlag,
    device: deviceFlag,
    cache: {
      value: 'NAME',
      choices: ['float32', 'int8'],
      help: 'element type of the cache of keys and values, on the CPU; int8 takes a quarter of the memory; default float32',
    },
    'max-new-tokens': { value: 'N', help: 'maximum number of new tokens; default 256' },
    temperature: {
      value: 'T',
      help: 'temperature that divides the logits; default 0, the most likely token each time',
    },
    'top-k': { value: 'K', help: 'draw from the K most likely tokens' },
    'top-p': { value: 'P', help: 'draw from the most likely tokens whose probabilities sum to P' },
    'min-p': { value: 'P', help: 'draw from tokens at least P times as likely as the most likely one' },
    'repetition-penalty': { value: 'R', help: 'above 1, makes tokens that were written before less likely' },
    stop: { value: 'TEXT', multiple: true, help: 'end where this text is written' },
    samples: { value: 'N', help: 'number of answers; default 1; several are printed when all are done' },
    seed: { value: 'N', help: 'seed of the draws; default 0' },
    json: { help: 'print JSON, with tokens and their log-probabilities' },
  },
  example: 'gram generate --model HuggingFaceTB/SmolLM2-135M-Instruct --prompt "Why is the sky blue?"',
  cost: 'loading the model, one pass over the prompt, and a pass over the weights for each token',
  async run(values, io) {
    const decoding = readDecoding(values);
    const samples = values.samples === undefined ? 1 : wholeNumber('samples', values.samples, 1);
    const seed = wholeNumber('seed', values.seed ?? '0', 0);
    const limit = values['max-new-tokens'];
    const maxNewTokens = limit === undefined ? 256 : wholeNumber('max-new-tokens', limit, 1);
    const asked = await readPrompt('gram generate', values);
    const { precision, products } = readPrecision(values.precision);
    const device = await startDevice(values.device, { products });
    const writing = await loadWritingModel(values.model, { adapter: values.adapter, precision }, io);
    const { model, tokenizer, stopIds } = writing;
    const { ids, neutralized } = await encodedPrompt(writing, asked, values);
    const room = roomAfter(ids.length, longestSequence(model.config));
    const adapter = writing.adapter && {
      lora: writing.adapter.lora,
      weights: await place<PlacedWeights>(writing.adapter.weights, device ?? 'cpu'),
    };
    const generator = createGenerator({
      ...{ config: model.config, weights: model.weights, fixedWeights: true },
      ...{ precision, products, device, adapter },
      cachePrecision: values.cache === 'int8' ? 'int8' : 'float32',
    });
    const streamed = samples === 1 && !values.json;
    const output = liveText(writing, values.stop, (text) => streamed && io.stdout.write(text));
    try {
      const decodings = Array.from({ length: samples }, (_, i) => ({
        ...decoding,
        random: createRandom(seed, 'generate', i),
      }));
      const [completions = []] = await generator.generate([{ ids, decodings }], {
        maxNewTokens: Math.min(maxNewTokens, room),
        stopIds,
        stopText: { strings: values.stop, decode: (tokens) => tokenizer.decode(tokens) },
        onToken: ({ token, completion }) => completion === 0 && output.push(token),
        signal: io.signal,
      });
      if (streamed) {
        await output.end();
        io.stdout.write('\n');
      } else {
        const answers = await answersOf(completions, writing, values.stop);
        io.stdout.write(
          values.json
            ? `${JSON.stringify({ promptTokens: ids.length, neutralized, answers })}\n`
            : described(answers),
        );
      }
      if (neutralized)
        io.stderr.write('the prompt spells control tokens, which were read as ordinary text\n');
      if (completions.some(({ finished }) => finished === 'length')) {
        io.stderr.write(`cut after ${Math.min(maxNewTokens, room)} tokens; --max-new-tokens allows more\n`);
      }
    } finally {
      generator.dispose();
      disposeArrays(adapter?.weights ?? {});
    }
  },
});

type Values = Parameters<typeof generateCommand.run>[0];

function readDecoding(
  values: {
    readonly [Name in 'temperature' | 'top-k' | 'top-p' | 'min-p' | 'repetition-penalty']: string | undefined;
  },
): Decoding {
  const number = (flag: keyof typeof values) =>
    values[flag] === undefined ? undefined : decimalNumber(flag, values[flag]);
  const topK = values['top-k'];
  return {
    temperature: number('temperature') ?? 0,
    topK: topK === undefined ? undefined : wholeNumber('top-k', topK, 1),
    topP: number('top-p'),
    minP: number('min-p'),
    repetitionPenalty: number('repetition-penalty'),
  };
}

/** The number of tokens that an answer may have. @throws {CliError} `too-long` where a prompt leaves none */
function roomAfter(tokens: number, longest: number): number {
  if (tokens < longest) return longest - tokens;
  throw new CliError(
    'too-long',
    `the prompt has ${tokens} tokens, and the model is made for ${longest}`,
    'shorten it',
  );
}

/** The ids that the answer goes on from, and whether the texts in them spell control tokens, which are ordinary text. */
async function encodedPrompt(writing: WritingModel, asked: PromptInput, values: AskedAs) {
  const texts = [conversationText(asked.prompt), values.system ?? ''];
  return {
    ids: await promptIds(writing, asked, values),
    neutralized: texts.some((text) => writing.tokenizer.spellsControl(text)),
  };
}

type AskedAs = Pick<Values, 'model' | 'system' | 'plain'>;

async function promptIds(
  { tokenizer, files }: WritingModel,
  { prompt, tools }: PromptInput,
  { model, system, plain }: AskedAs,
): Promise<number[]> {
  if (plain) {
    if (typeof prompt !== 'string' || tools !== undefined) {
      throw new CliError(
        'usage',
        '--plain has no turns',
        'give a prompt that is one text, or leave out --plain',
      );
    }
    if (system !== undefined) {
      throw new CliError('usage', '--plain has no system turn', 'leave out --system or --plain');
    }
    return tokenizer.encode(prompt);
  }
  const variables = { enable_thinking: false };
  const template = createChatTemplate({ ...findChatTemplate(files, model), variables, now: new Date() });
  const turns = promptTurns(prompt);
  if (system !== undefined && turns[0]?.role === 'system') {
    throw new CliError('usage', 'the prompt has a system turn of its own', 'leave out --system');
  }
  const before: Turn[] = system === undefined ? [] : [{ role: 'system', content: system }];
  return encodeChat(tokenizer, template, [...before, ...turns], { tools });
}

/** Writes text as tokens come, without the tokens that end it and nothing from a stop text on. */
function liveText(
  { tokenizer, stopIds }: WritingModel,
  stops: readonly string[],
  write: (text: string) => unknown,
): { push(token: number): void; end(): Promise<void> } {
  const stream = createTextStream(tokenizer);
  const held = createStopFilter(stops, write);
  let last: Promise<void> = Promise.resolve();
  return {
    push(token) {
      if (stopIds.includes(token)) return;
      last = last.then(async () => held.add(await stream.push(token)));
      // What goes wrong is told at the end; until then nobody waits for it.
      last.catch(() => undefined);
    },
    async end() {
      await last;
      held.add(await stream.end());
      held.end();
    },
  };
}

/** Passes text on until a stop text is in it; what may become the start of one is held back. */
export function createStopFilter(
  stops: readonly string[],
  write: (text: string) => unknown,
): { add(text: string): void; end(): void } {
  let open = '';
  let stopped = false;
  return {
    add(text) {
      if (stopped) return;
      open += text;
      const at = Math.min(...stops.map((stop) => (open.includes(stop) ? open.indexOf(stop) : Infinity)));
      stopped = at !== Infinity;
      const longest = Math.max(0, ...stops.map((stop) => overlap(open, stop)));
      const given = stopped ? open.slice(0, at) : open.slice(0, open.length - longest);
      if (given !== '') write(given);
      open = open.slice(given.length);
    },
    end() {
      if (!stopped && open !== '') write(open);
    },
  };
}

/** Length of the longest end of a text that a stop text starts with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}

/** An answer as it is printed. */
interface Answer extends Pick<Completion, 'finished' | 'ids' | 'logProbabilities'> {
  readonly text: string;
}

/** Decodes completions, without the tokens that end them and nothing from a stop text on. */
function answersOf(
  completions: readonly Completion[],
  { tokenizer, stopIds }: WritingModel,
  stops: readonly string[],
): Promise<Answer[]> {
  return Promise.all(
    completions.map(async ({ ids, logProbabilities, finished }) => {
      let text = '';
      const filter = createStopFilter(stops, (part) => {
        text += part;
      });
      filter.add(await tokenizer.decode(ids.filter((id) => !stopIds.includes(id))));
      filter.end();
      return { text, finished, ids, logProbabilities };
    }),
  );
}

function described(answers: readonly Answer[]): string {
  return answers.map(({ text }, i) => `--- ${i + 1} of ${answers.length}\n${text}\n`).join('');
}
