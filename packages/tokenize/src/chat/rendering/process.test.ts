import { once } from 'node:events';
import { expect, it, vi } from 'vitest';
import { renderJinja } from './jinja.js';
import { prepareRendering, takeProcess } from './process.js';

const started = vi.hoisted(() => ({ processes: 0 }));
vi.mock('node:child_process', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:child_process')>();
  const spawn = (...given: Parameters<typeof original.spawn>) => {
    started.processes++;
    return original.spawn(...given);
  };
  return { ...original, spawn };
});

const now = new Date('2024-07-26T15:04:05Z');
const render = (template: string) => renderJinja({ template, contexts: [{}], now });
const startedBy = async (work: () => unknown) => {
  const before = started.processes;
  await work();
  return started.processes - before;
};

it('renders with the process that was prepared, and with a new one after it', async () => {
  expect(await startedBy(prepareRendering)).toBe(1);
  expect(await startedBy(prepareRendering)).toBe(0);
  expect(await startedBy(async () => expect(await render('{{ 1 + 1 }}')).toEqual(['2']))).toBe(0);
  expect(await startedBy(async () => expect(await render('{{ 2 + 1 }}')).toEqual(['3']))).toBe(1);
});

it('does not keep this process alive for one that has no job, and does for one that has', async () => {
  const kept = () => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
  const before = kept();
  prepareRendering();
  expect(kept()).toBe(before);
  const child = takeProcess();
  expect(kept()).toBe(before + 1);
  child.kill('SIGKILL');
  await once(child, 'close');
});

it('starts another where the prepared one has ended', async () => {
  prepareRendering();
  const first = takeProcess();
  prepareRendering();
  const second = takeProcess();
  expect(second.pid).not.toBe(first.pid);
  for (const child of [first, second]) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  prepareRendering();
  expect(await render('{{ 2 + 2 }}')).toEqual(['4']);
});
