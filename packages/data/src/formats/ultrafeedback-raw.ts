import { entriesOf, rewardsOf } from '../conversations/ranked.js';
import { idOf, optionalText, textField } from '../files/fields.js';
import { hasFields, isListOfObjects } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * UltraFeedback as OpenBMB publishes it: the completions of four models with an overall score. The system prompts that made the
 * models follow a principle are not part of the prompt, as in the binarized editions. The source is the family.
 */
export const ultrafeedbackRaw: FormatOf<'ranking'> = {
  holds: 'ranking',
  fields: '{ instruction, completions: [{ response, overall_score }], source? }',
  fits: (from) => hasFields(from, 'instruction') && isListOfObjects(from, 'completions'),
  read(from) {
    const entries = entriesOf(from, 'completions');
    return {
      id: idOf(from),
      prompt: textField(from, 'instruction'),
      responses: entries.map((path) => textField(from, `${path}.response`)),
      rewards: rewardsOf(
        from,
        entries.map((path) => `${path}.overall_score`),
      ),
      family: optionalText(from, 'source'),
    };
  },
};
