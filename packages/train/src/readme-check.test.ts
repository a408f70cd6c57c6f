import {test} from 'vitest';
test('readme', async () => { await import('./readme-code.js'); });