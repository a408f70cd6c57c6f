import { checkReplaceable, quote } from '@gram/base';
import {
  exportGenerator,
  exportJudge,
  exportReward,
  MODEL_FILES,
  type ModelAndFiles,
  parameterCount,
  type StreamedModel,
  saveModel,
} from '@gram/model';
import { judgePrompt, storedJudgePrompt, tokenizerOf } from '@gram/tokenize';
import { defineCommand } from '../command.js';
import { CliError } from '../error.js';
import { dtypeFlag, modelOperand } from '../models/model-flags.js';
import { streamWithAdapter } from '../models/writing-model.js';
import { wholeNumber } from '../parse-flags.js';

const GRAPHS = ['judge', 'reward', 'generator'] as const;

/** `gram convert`: a model as files that other programs load. */
export const convertCommand = defineCommand({
  operands: {
    model: modelOperand,
    output: { value: 'OUTPUT', help: 'directory to write' },
  },
  flags: {
    dtype: dtypeFlag,
    adapter: { value: 'DIR', help: 'a LoRA adapter in the format of PEFT, which is merged into the model' },
    onnx: {
      value: 'GRAPH',
      multiple: true,
      choices: GRAPHS,
      help: 'write a graph that ONNX Runtime runs over the weights: label logits, scores, or text generation',
    },
    'max-length': {
      value: 'N',
      help: 'longest sequence of the graphs; default that of the model, at most 8192',
    },
  },
  example: 'gram convert SmolLM2-135M-Instruct.Q4_1.gguf smollm2 --dtype bfloat16 --onnx judge',
  cost: 'reading the model and writing it, one matrix after the other',
  async run({ model: source, output, dtype, adapter, onnx, 'max-length': limit }, io) {
    const maxLength = limit === undefined ? undefined : wholeNumber('max-length', limit, 1);
    await checkReplaceable(output, MODEL_FILES);
    const loaded = await streamWithAdapter(source, adapter, io);
    const { config, weights, gram } = loaded.model;
    const labels = onnx.includes('judge') ? await labelIds(loaded, source) : [];
    io.signal.throwIfAborted();
    await saveModel(
      output,
      { config, weights, gram, ...loaded.files },
      { dtype: dtype as 'bfloat16' | undefined },
    );
    const written: string[] = [];
    for (const graph of new Set(onnx)) {
      io.signal.throwIfAborted();
      if (graph === 'judge') written.push((await exportJudge(output, labels, { maxLength })).path);
      if (graph === 'reward') written.push((await exportReward(output, { maxLength })).path);
      if (graph === 'generator') {
        const { prompt, next } = await exportGenerator(output, { maxLength });
        written.push(prompt.path, next.path);
      }
    }
    const count = parameterCount(config).toLocaleString('en-US');
    io.stdout.write(`${output}: ${config.architecture}, ${count} parameters, ${dtype ?? 'float32'}\n`);
    for (const path of written) io.stdout.write(`${path}\n`);
  },
});

/** Encodes the labels that the model answers with. */
async function labelIds({ model, files }: ModelAndFiles<StreamedModel>, source: string): Promise<number[]> {
  const tokenizer = tokenizerOf(files, source);
  const { gram } = model;
  const { labels } =
    gram?.judgePrompt === undefined
      ? judgePrompt('gram-eval-1')
      : storedJudgePrompt(gram, `gram.json of ${source}`);
  const ids: number[] = [];
  for (const label of labels) {
    const [id, ...others] = await tokenizer.encode(label);
    if (id !== undefined && others.length === 0) {
      ids.push(id);
      continue;
    }
    const count = id === undefined ? 0 : 1 + others.length;
    throw new CliError(
      'bad-label',
      `the label ${quote(label)} is ${count} tokens of ${source}`,
      'a judge needs labels of one token',
    );
  }
  return ids;
}
