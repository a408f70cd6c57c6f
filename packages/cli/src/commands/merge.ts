import { checkReplaceable } from '@gram/base';
import { MODEL_FILES, saveModel } from '@gram/model';
import { defineCommand } from '../command.js';
import { dtypeFlag, modelOperand } from '../models/model-flags.js';
import { streamWithAdapter } from '../models/writing-model.js';

/** `gram merge`: an adapter and its model as one model. */
export const mergeCommand = defineCommand({
  operands: {
    model: modelOperand,
    adapter: { value: 'ADAPTER', help: 'directory of the adapter, in the format of PEFT' },
    output: { value: 'OUTPUT', help: 'directory to write' },
  },
  flags: {
    dtype: dtypeFlag,
  },
  example: 'gram merge HuggingFaceTB/SmolLM2-135M-Instruct runs/one/adapter merged',
  cost: 'reading the model and writing it, one matrix after the other',
  async run({ model: source, adapter, output, dtype }, io) {
    await checkReplaceable(output, MODEL_FILES);
    const { model, files } = await streamWithAdapter(source, adapter, io);
    const { config, weights, gram } = model;
    io.signal.throwIfAborted();
    await saveModel(output, { config, weights, gram, ...files }, { dtype: dtype as 'bfloat16' | undefined });
    io.stdout.write(`${output}\n`);
  },
});
