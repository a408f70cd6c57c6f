import { badField, idOf, textField, valueAt } from '../files/fields.js';
import { hasFields, isListOfObjects } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/** The tasks of Self-Instruct: an instruction, and one instance with an input, which may be empty, and its output. */
export const selfInstruct: FormatOf<'demonstration'> = {
  holds: 'demonstration',
  fields: '{ instruction, instances: [{ input, output }] }',
  fits: (from) => hasFields(from, 'instruction') && isListOfObjects(from, 'instances'),
  read(from) {
    const instances = valueAt(from, 'instances');
    if (!Array.isArray(instances) || instances.length !== 1)
      throw badField(from, 'instances', 'a list of one instance');
    const [instruction, input] = [textField(from, 'instruction'), textField(from, 'instances.0.input')];
    return {
      id: idOf(from),
      prompt: input === '' ? instruction : `${instruction}\n\n${input}`,
      response: textField(from, 'instances.0.output'),
    };
  },
};
