import { plainPrompt } from '@gram/base';
import { instructionTurns } from '../conversations/instruction.js';
import { badField, idOf, numberField, textField, valueAt } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

const ANNOTATORS = ['annotator1', 'annotator2', 'annotator3'] as const;

/** The test set of PandaLM: each of three annotators names the better response, 1 or 2, or a tie, 0. Without a majority it is a tie. */
export const pandaLm: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ instruction, input?, response1, response2, annotator1, annotator2, annotator3 }',
  fits: (from) => hasFields(from, 'instruction', 'response1', 'response2', ...ANNOTATORS),
  read(from) {
    const votes = ANNOTATORS.map((name) => {
      const vote = numberField(from, name);
      if (vote !== 0 && vote !== 1 && vote !== 2) throw badField(from, name, '0, 1 or 2');
      return vote;
    });
    const [first, second] = [responseOf(from, 'response1'), responseOf(from, 'response2')];
    const prompt = plainPrompt(instructionTurns(from));
    const majority = [1, 2].find((label) => votes.filter((vote) => vote === label).length >= 2);
    if (majority === undefined) return 'tie';
    const [chosen, rejected] = majority === 1 ? [first, second] : [second, first];
    return { id: idOf(from, 'idx'), prompt, chosen, rejected };
  },
};

/** Six responses of the published file are `true` where a model wrote "True". */
function responseOf(from: FileRecord, name: string): string {
  const value = valueAt(from, name);
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : textField(from, name);
}
