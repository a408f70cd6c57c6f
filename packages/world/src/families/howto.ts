import type { Random } from '@gram/base';
import type { Family } from '../blueprint.js';
import { pickOther } from '../language/draws.js';
import { SENTENCE_FORMATS } from '../language/format.js';
import { TOOLS, WORKS } from '../language/lexicon.js';
import { askHow } from '../language/phrases.js';

/**
 * Everyday work: a full answer names the tool that the work takes, the work and the object. Without the tool
 * it is partly right; with a tool for other work it is wrong.
 */
export const howto: Family = {
  name: 'howto',
  draw(random) {
    const { verb, objects, tool } = random.pick(WORKS);
    const object = random.pick(objects);
    const say = (stream: Random, with_: string) =>
      stream.pick([
        { items: [`take the ${with_} and ${verb} the ${object}`] },
        { items: [`use the ${with_} to ${verb} the ${object}`] },
        { items: [`first take the ${with_}, then ${verb} the ${object}`] },
      ]);
    return {
      question: askHow(random, `${verb} the ${object}`),
      formats: SENTENCE_FORMATS,
      rubric: {
        topic: [tool, 'first'],
        size: 5,
        limit: 12,
        correctness: ({ words }) => {
          const work = (words.includes(verb) ? 0.5 : 0) + (words.includes(object) ? 0.5 : 0);
          const tools = words.filter((word) => word !== object && TOOLS.includes(word));
          if (tools.some((named) => named !== tool)) return tools.includes(tool) ? 0.5 * work : 0.15 * work;
          return tools.length === 0 ? 0.45 * work : 0.3 + 0.7 * work;
        },
      },
      right: (stream) => say(stream, tool),
      partial: (stream) =>
        stream.pick([
          { items: [`just ${verb} the ${object}`] },
          { items: [`you can ${verb} the ${object} in the morning`] },
          { items: [`take the ${tool}`] },
        ]),
      wrong: (stream) => say(stream, pickOther(stream, TOOLS, tool)),
    };
  },
};
