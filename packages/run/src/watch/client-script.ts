/**
 * The script of the page, as a browser runs it. It shows what the server has made: texts, markup and rows of numbers. It is a
 * text here because it is sent as one, and its hash is what the page's policy allows.
 */
export const clientScript = `
'use strict';
const byId = (id) => document.getElementById(id);
const title = document.title;
// More rows than this are thinned: two neighbors become one.
const MAX_ROWS = 4000;
let run, rows = [], labels = [], drawing, latest, lastStepAt, source;
let shown = '', paused = false, ended = false, following = true, waiting = false;

function connect() {
  source = new EventSource('/events');
  const on = (name, handle) => source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  on('history', (history) => {
    // Another run at the same address has another page.
    if (run !== undefined && run !== history.run) return location.reload();
    run = history.run;
    rows = history.rows;
    labels = history.labels;
    say('Running');
    take(history);
  });
  on('record', (record) => {
    rows.push(record.row);
    if (rows.length > MAX_ROWS) rows = rows.filter((_, index) => index % 2 === 1);
    take(record);
  });
  on('drawing', (drawn) => {
    drawing = drawn;
    show();
  });
  on('end', ({ message }) => {
    ended = true;
    source.close();
    say('Ended: ' + message);
    document.title = 'Ended – ' + title;
    byId('pause').disabled = true;
    paused = false;
    show();
  });
  source.onerror = () => {
    if (ended) return;
    say('The connection is lost: the run was stopped, or cannot be reached. Trying again.');
    document.title = 'Lost – ' + title;
    // Where the server refused, the browser does not try again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

function take(message) {
  latest = message;
  if (message.step > 0) lastStepAt = Date.now();
  const percent = message.total > 0 ? Math.floor((100 * message.step) / message.total) : 0;
  document.title = percent + '% – ' + title;
  show();
}

// Set only where it changes: a screen reader says it then.
function say(text) {
  if (byId('state').textContent !== text) byId('state').textContent = text;
}

// Steps may come faster than a screen shows them.
function show() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    if (paused || latest === undefined) return;
    byId('progress').max = Math.max(1, latest.total);
    byId('progress').value = latest.step;
    byId('steps').textContent = latest.steps;
    byId('facts').replaceChildren(...latest.facts.map(([name, value]) => pair(name, value)));
    if (drawing !== undefined) draw();
    showReader();
  });
}

// A table keeps the place to which it was scrolled, and a reader the text that did not change.
function draw() {
  const { charts, sections } = drawing;
  drawing = undefined;
  byId('charts').innerHTML = charts.map((svg) => '<figure>' + svg + '</figure>').join('');
  const html = sections.join('');
  if (html === shown) return;
  shown = html;
  const tables = () => [...byId('sections').querySelectorAll('.table')];
  const places = tables().map((table) => table.scrollLeft);
  byId('sections').innerHTML = html;
  for (const [index, table] of tables().entries()) table.scrollLeft = places[index] ?? 0;
}

function pair(name, value) {
  const parts = [document.createElement('dt'), document.createElement('dd')];
  parts[0].textContent = name;
  parts[1].textContent = value;
  const group = document.createElement('div');
  group.append(...parts);
  return group;
}

function showReader() {
  const slider = byId('reader');
  byId('reading').hidden = rows.length === 0;
  if (rows.length === 0) return;
  slider.max = rows.length - 1;
  if (following) slider.value = rows.length - 1;
  const [from, to, summaries] = rows[slider.value];
  const parts = summaries.flatMap((summary, index) => (summary === null ? [] : [labels[index] + ' ' + written(summary)]));
  const text = (from === to ? 'Step ' + to : 'Steps ' + from + ' to ' + to + ', means') + ': ' + parts.join(', ');
  byId('values').textContent = text;
  slider.setAttribute('aria-valuetext', text);
}

function written([mean, low, high]) {
  const number = (value) => String(Number(value.toPrecision(4)));
  return low === high ? number(mean) : number(mean) + ' (' + number(low) + ' to ' + number(high) + ')';
}

byId('reader').addEventListener('input', () => {
  following = Number(byId('reader').value) === rows.length - 1;
  showReader();
});
byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').textContent = paused ? 'Go on' : 'Pause';
  show();
});
setInterval(() => {
  const seconds = Math.round((Date.now() - lastStepAt) / 1000);
  const quiet = !ended && lastStepAt !== undefined && seconds >= 10;
  byId('quiet').textContent = quiet ? 'The last step came ' + seconds + ' s ago.' : '';
}, 1000);
connect();
`;
