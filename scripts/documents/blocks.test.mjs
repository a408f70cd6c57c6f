import { describe, expect, it } from 'vitest';
import { moduleOf, programsIn } from './blocks.mjs';

const document = `# A package

<!-- given: const hidden = 1; -->

\`\`\`ts
import { a, type B } from 'one';
const value: B = a(hidden);
\`\`\`

\`\`\`sh
npm install
\`\`\`

<!-- continues -->
<!-- not run: needs the hub -->

\`\`\`ts
import { a } from 'one';
const value = a(2);
\`\`\`

\`\`\`js
alone();
\`\`\`
`;

describe('the programs of a document', () => {
  const [first, second, ...others] = programsIn(document, 'README.md');

  it('are its blocks of code, with those that continue them', () => {
    expect([first.name, second.name, others]).toEqual(['README.md:6', 'README.md:23', []]);
    expect(first.parts.map(({ reason }) => reason)).toEqual([undefined, 'needs the hub']);
  });

  it('import each name once, and may use a name again', () => {
    const { source, origin } = moduleOf(first.parts);
    const lines = source.split('\n');
    expect(lines.filter((line) => line.startsWith('import'))).toEqual([
      "import { a } from 'one';",
      "import { type B } from 'one';",
    ]);
    expect(lines).toContain('const hidden = 1;');
    expect(lines.indexOf('{')).toBeLessThan(lines.indexOf('const value = a(2);'));
    expect(origin[lines.indexOf('const value: B = a(hidden);')]).toBe(7);
    expect(origin[lines.indexOf('const value = a(2);')]).toBe(19);
  });
});
