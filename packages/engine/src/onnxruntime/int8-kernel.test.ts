import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { int8Kernel } from './int8-kernel.js';

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
