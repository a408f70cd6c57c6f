import { plainPrompt } from '@gram/base';
import { promptField } from '../conversations/messages.js';
import { badField, idOf, optionalText, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { firstField } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * The answers of several models to one prompt, `{ instruction, outputs: { model: text } }`, with the dataset as the family. The
 * prompt may be called `prompt` or `query`, and the answers `responses`; they may be a list.
 */
export const outputs: FormatOf<'list'> = {
  holds: 'list',
  fields: '{ instruction, outputs: { model: text } } or { prompt, responses }',
  fits: (from) => promptOf(from) !== undefined && answersOf(from) !== undefined,
  read(from) {
    const field = answersOf(from) ?? 'outputs';
    const answers = valueAt(from, field);
    if (typeof answers !== 'object' || answers === null) {
      throw badField(from, field, 'an object or a list of texts');
    }
    return {
      id: idOf(from),
      prompt: plainPrompt(promptField(from, promptOf(from) ?? 'instruction')),
      responses: Object.values(answers).map((text: unknown, at) => {
        if (typeof text === 'string') return text;
        throw badField(from, `${field}.${Object.keys(answers)[at]}`, 'a string');
      }),
      family: optionalText(from, 'dataset'),
    };
  },
};

function promptOf(from: FileRecord): string | undefined {
  return firstField(from, ['instruction', 'prompt', 'query']);
}

function answersOf(from: FileRecord): string | undefined {
  return firstField(from, ['outputs', 'responses']);
}
