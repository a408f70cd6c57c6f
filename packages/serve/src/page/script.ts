/**
 * The script of the page, as a browser runs it; what users and the server wrote is only ever set as text. It is a text here
 * because it is sent as one, and its hash is what the page's policy allows.
 */
export const rankingScript = `
'use strict';
const byId = (id) => document.getElementById(id);
const most = Number(byId('form').dataset.most);
const percent = (p) => (100 * p).toFixed(1) + ' %';
const element = (name, text, properties) => {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== undefined) made.textContent = text;
  return made;
};
let calls = 0;

/** Characters that cannot be seen, or that turn the direction of what follows around, by their numbers. */
const shown = (text) =>
  text.replace(/[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]/gu, (character) =>
    /[\\n\\t\\u200d]/.test(character)
      ? character
      : '\\u2039U+' + character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0') + '\\u203a',
  );

const fields = () => [...byId('responses').children];
const letter = (index) => String.fromCharCode(65 + index);

/** Names the fields anew: after one was removed the others keep the order of the alphabet. */
function rename() {
  for (const [index, field] of fields().entries()) {
    const name = 'Response ' + letter(index);
    field.querySelector('label').textContent = name;
    const remove = field.querySelector('button');
    remove.setAttribute('aria-label', 'Remove response ' + letter(index));
    remove.hidden = fields().length <= 2;
  }
  byId('add').disabled = fields().length >= most;
}

function addField() {
  const id = 'response-' + ++calls;
  const field = element('div', undefined, { className: 'field' });
  const head = element('div', undefined, { className: 'named' });
  const remove = element('button', 'Remove', { type: 'button', className: 'small' });
  remove.addEventListener('click', () => {
    const next = field.nextElementSibling ?? field.previousElementSibling;
    field.remove();
    rename();
    next.querySelector('textarea').focus();
  });
  head.append(element('label', '', { htmlFor: id }), remove);
  const maxLength = byId('prompt').maxLength;
  field.append(head, element('textarea', undefined, { id, rows: 3, required: true, dir: 'auto', maxLength }));
  byId('responses').append(field);
  rename();
  return field;
}

function say(text, failed) {
  const state = byId('state');
  state.textContent = shown(text);
  state.classList.toggle('failed', failed === true);
}

const example = {
  prompt: 'Explain why the sky is blue, in one sentence.',
  responses: [
    'Air scatters the short wavelengths of sunlight, which we see as blue, far more than the long ones.',
    'The sky is blue because it reflects the sea.',
    'Blue is a color.',
  ],
};

function fillExample() {
  while (fields().length > example.responses.length) fields().at(-1).remove();
  while (fields().length < Math.min(most, example.responses.length)) addField();
  byId('prompt').value = example.prompt;
  for (const [index, field] of fields().entries()) field.querySelector('textarea').value = example.responses[index];
  rename();
  byId('rank').focus();
}

/** The server counts responses from 0, and the page names them by letters. */
const inLetters = (message) =>
  message
    .replace(/\\bresponses (\\d+) and (\\d+)/g, (_, a, b) => 'responses ' + letter(+a) + ' and ' + letter(+b))
    .replace(/\\bresponses\\[(\\d+)\\]/g, (_, index) => 'response ' + letter(+index));

async function ask(body) {
  const headers = { 'Content-Type': 'application/json' };
  const key = byId('key');
  if (key) headers.Authorization = 'Bearer ' + key.value;
  const response = await fetch('/v1/rank', { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(inLetters(answer.error.message) + '; ' + answer.error.hint);
  return answer;
}

function show(responses, { order, scores, pairs, responses: each }) {
  const list = byId('order');
  list.replaceChildren();
  let place = 0;
  for (const [at, index] of order.entries()) {
    const tied = at > 0 && percent(scores[index]) === percent(scores[order[at - 1]]);
    if (!tied) place = at + 1;
    const item = element('li');
    item.dataset.place = place + '.';
    const value = element('span', percent(scores[index]), { className: 'value' });
    value.append(element('small', 'response ' + letter(index)));
    const bar = element('meter', percent(scores[index]), { min: 0, max: 1, value: scores[index] });
    bar.setAttribute('aria-label', 'Score of response ' + letter(index));
    item.append(element('p', shown(responses[index]), { dir: 'auto' }), value, bar);
    const { truncated, neutralized } = each[index];
    if (truncated) item.append(element('p', 'Text was cut to fit the model.', { className: 'flag' }));
    if (neutralized) item.append(element('p', 'Text that poses as a part of the prompt was escaped.', { className: 'flag' }));
    list.append(item);
  }
  const rows = byId('pairs');
  rows.replaceChildren();
  for (const { a, b, probability, orders, consistent } of pairs) {
    const row = element('tr', undefined, { className: consistent ? '' : 'apart' });
    const head = element('th', letter(a) + ' over ' + letter(b), { scope: 'row' });
    const cells = [...(orders ?? [undefined, undefined]), probability];
    row.append(head, ...cells.map((p) => element('td', p === undefined ? '' : percent(p))));
    row.append(element('td', orders === undefined ? 'not asked' : consistent ? 'agree' : 'disagree'));
    rows.append(row);
  }
  const both = pairs.filter(({ orders }) => orders !== undefined).length;
  const apart = pairs.filter(({ consistent }) => !consistent).length;
  const has = (flag) => each.some((response) => response[flag]) || pairs.some((pair) => pair[flag]);
  const flagged =
    (has('truncated') ? ' Some text was cut to fit the model.' : '') +
    (has('neutralized') ? ' Some text that poses as a part of the prompt was escaped.' : '');
  byId('summary').textContent =
    (pairs.length === 0
      ? 'The model gives each response a score of its own; no pair was compared.'
      : both === 0
      ? 'No pair was judged in both orders.'
      : apart === 0
      ? 'Both orders prefer the same response in every pair.'
      : 'In ' + apart + ' of ' + both + (both === 1 ? ' pair' : ' pairs') +
        ' the preferred response depends on which one is shown first.') + flagged;
  rows.closest('.table').hidden = pairs.length === 0;
  byId('result').hidden = false;
}

byId('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const responses = fields().map((field) => field.querySelector('textarea').value);
  byId('rank').disabled = true;
  byId('result').setAttribute('aria-busy', 'true');
  say('Ranking ' + responses.length + ' responses');
  try {
    const start = performance.now();
    show(responses, await ask({ prompt: byId('prompt').value, responses }));
    say('Ranked in ' + ((performance.now() - start) / 1000).toFixed(2) + ' s. The result is below.');
  } catch (error) {
    say('Not ranked: ' + error.message, true);
  }
  byId('result').removeAttribute('aria-busy');
  byId('rank').disabled = false;
});
byId('form').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (!byId('rank').disabled) byId('form').requestSubmit();
});
byId('example').addEventListener('click', fillExample);
byId('add').addEventListener('click', () => addField().querySelector('textarea').focus());
addField();
addField();
`;
