/** The model that a command loads. */
export const modelOperand = {
  value: 'MODEL',
  help: 'a model directory, a GGUF file, or the name of a repository on the hub',
} as const;

/** Element type of the weights that a command writes. */
export const dtypeFlag = {
  value: 'TYPE',
  choices: ['float32', 'bfloat16'],
  help: 'element type of the weights; default float32',
} as const;
