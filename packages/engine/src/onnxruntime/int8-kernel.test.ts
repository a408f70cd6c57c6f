import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { int8Kernel } from './int8-kernel.js';

const made = vi.hoisted(() => ({ sessions: 0 }));
vi.mock('./session.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('./session.js')>();
  class Session extends original.Session {
    constructor(...given: ConstructorParameters<typeof original.Session>) {
      super(...given);
      made.sessions++;
    }
  }
  return { ...original, Session };
});

/** What the processor is known to have, where the system says it; an emulator shows the file of the real one. */
function flags(): string | undefined {
  try {
    const emulated = process.env.GRAM_EMULATED;
    if (emulated === 'Haswell') return 'avx2';
    return process.arch === 'x64'
      ? /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]
      : undefined;
  } catch {
    return undefined;
  }
}

it('takes signed weights where the processor adds up 8-bit products in 32 bits, and unsigned ones elsewhere', (context) => {
  const found = int8Kernel();
  expect(['signed', 'unsigned']).toContain(found);
  if (process.arch === 'arm64') expect(found).toBe('signed');
  const known = flags();
  // Skipped from here on where no file says what the processor has, as on macOS and Windows: nothing is left to compare with.
  if (known === undefined) return context.skip();
  expect(found).toBe(/avx512_vnni|avx_vnni|amx_int8/.test(known) ? 'signed' : 'unsigned');
});

it('multiplies once in a process, whatever the form is', () => {
  int8Kernel();
  const before = made.sessions;
  expect(before).toBeGreaterThan(0);
  int8Kernel();
  expect(made.sessions).toBe(before);
});
