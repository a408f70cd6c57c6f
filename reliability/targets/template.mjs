import { createChatTemplate, findChatTemplate } from '@gram/tokenize';
import { mutateText } from '../mutate.mjs';

const originals = [
  "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] | trim }}</s>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
  "{%- if messages[0].role == 'system' -%}{{ raise_exception('no system turn') }}{%- endif -%}{%- set ns = namespace(last=0) -%}{%- for m in messages -%}{%- set ns.last = loop.index0 -%}<|im_start|>{{ m.role + '\n' + m.content }}<|im_end|>\n{%- endfor -%}",
  '{% macro turn(m) %}[{{ m.role | upper }}] {{ m.content }}{% endmacro %}{% for i in range(messages | length) %}{{ turn(messages[i]) }}{% endfor %}{{ strftime_now("%d %B %Y") }}',
];
const messages = [
  { role: 'user', content: ' What is 2 + 2? ' },
  { role: 'assistant', content: '4' },
];

export const template = {
  name: 'template',
  title: 'chat templates',
  async open() {
    const render = async (text) => {
      const source = findChatTemplate(
        { chatTemplate: text, tokenizerConfigJson: '{"bos_token":"<s>"}' },
        'the model',
      );
      return JSON.stringify(await createChatTemplate(source).render(messages));
    };
    let chosen = originals[0];
    const answers = new Map();
    for (const original of originals) answers.set(original, await render(original));
    return {
      get answer() {
        return answers.get(chosen);
      },
      mutate(random) {
        chosen = random.pick(originals);
        let text = chosen;
        for (let times = 1 + random.integer(3); times > 0; times--) text = mutateText(random, text);
        return text;
      },
      read: render,
      // Another template says something else, but each text of the conversation is inserted as it is or trimmed.
      unexplained: (_, answer) => {
        const texts = JSON.parse(answer).filter(({ trusted }) => !trusted);
        const known = messages.flatMap(({ content }) => [
          content,
          content.trim(),
          content.trimStart(),
          content.trimEnd(),
        ]);
        return texts.every(({ text }) => known.includes(text)) ? undefined : answer;
      },
    };
  },
};
