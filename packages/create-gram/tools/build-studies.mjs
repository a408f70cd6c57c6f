// Makes projects of the studies in examples, in dist/studies: what all studies share comes along as plain files, and the packages
// are dependencies with their versions. The files exist once in the repository.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const target = fileURLToPath(new URL('../dist/studies/', import.meta.url));
const STUDIES = ['reward-ranking', 'rlhf', 'task-adaptation'];
const SHARED = '@gram-examples/common/';

rmSync(target, { recursive: true, force: true });
for (const study of STUDIES) writeProject(study);
writeFileSync(join(target, 'packages.json'), `${JSON.stringify(packages(), null, 2)}\n`);

function writeProject(study) {
  const files = [
    ...modulesIn(join('examples', study)).map((path) => [path, path]),
    ...modulesIn(join('examples', 'common')).map((path) => [path, join('common', path)]),
  ].map(([path, place]) => [
    place,
    readFileSync(join(repository, 'examples', place === path ? study : 'common', path), 'utf8'),
  ]);
  const places = new Set(files.map(([place]) => place));
  const dependencies = new Set();
  for (const [place, text] of files) {
    write(study, place, rewritten(text, place));
    for (const [, name] of text.matchAll(/'(@gram\/[a-z]+)'/g)) dependencies.add(name);
  }
  for (const place of places) checkImports(study, place);
  const manifest = {
    name: study,
    version: '0.0.0',
    private: true,
    type: 'module',
    description: readManifest('examples', study).description,
    scripts: { start: 'node main.mjs' },
    engines: readManifest('packages', 'base').engines,
    dependencies: Object.fromEntries(
      [...dependencies].sort().map((name) => [name, `^${packages()[name].version}`]),
    ),
  };
  write(study, 'package.json', `${JSON.stringify(manifest, null, 2)}\n`);
  write(study, 'README.md', readme(study, manifest.description));
}

/** The modules below a folder of the repository, without tests and what they and runs leave. */
function modulesIn(folder) {
  return readdirSync(join(repository, folder), { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.mjs') && !path.endsWith('.test.mjs'))
    .filter((path) => !/(^|[\\/])(node_modules|runs|__fixtures__)[\\/]/.test(path))
    .sort();
}

/** Imports of what the studies share become imports of files. */
function rewritten(text, place) {
  return text.replaceAll(/'@gram-examples\/common\/([a-z/-]+)'/g, (_, name) => {
    const path = relative(dirname(place), join('common', `${name}.mjs`)).replaceAll('\\', '/');
    return `'${path.startsWith('.') ? path : `./${path}`}'`;
  });
}

/** Refuses a project that would import what it does not have. */
function checkImports(study, place) {
  const folder = join(target, study, dirname(place));
  const text = readFileSync(join(target, study, place), 'utf8');
  const missing = [...text.matchAll(/ from '(\.[^']+)'/g)].filter(([, path]) => {
    const file = join(folder, path);
    return !existsSync(file) || relative(join(target, study), file).startsWith('..');
  });
  if (missing.length > 0 || text.includes(SHARED)) {
    throw new Error(`${study}/${place} imports ${missing.map(([, path]) => path).join(', ') || SHARED}`);
  }
}

/** The version of each package, and which others it needs. */
function packages() {
  const manifests = readdirSync(join(repository, 'packages')).map((name) => readManifest('packages', name));
  return Object.fromEntries(
    manifests.map(({ name, version, dependencies = {} }) => [
      name,
      { version, needs: Object.keys(dependencies).filter((needed) => needed.startsWith('@gram/')) },
    ]),
  );
}

function readManifest(...folders) {
  return JSON.parse(readFileSync(join(repository, ...folders, 'package.json'), 'utf8'));
}

function write(study, place, text) {
  const path = join(target, study, place);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function readme(study, description) {
  return `# ${study}

${description}. A copy of the study of that name in the repository of gram, to change as you like.

\`\`\`sh
npm install
npm start -- --config tiny             # seconds: that everything runs
npm start                              # minutes on two cores
npm start -- --config paper --dry-run  # the paper's values, and what its run would take
\`\`\`

| file                    | what it is                                                          |
| ----------------------- | ------------------------------------------------------------------- |
| \`recipes/\`              | every number of a run; start here                                   |
| \`study.mjs\`             | what is computed: arms, seeds and the stages of each                |
| \`summary.mjs\`           | how seeds are put together                                          |
| \`report.mjs\`            | tables, figures and the page                                        |
| \`common/stages.mjs\`     | the training runs and measurements                                  |
| \`common/materials.mjs\`  | where prompts, pairs and the oracle come from                       |
| \`runs/\`                 | results; finished stages stay in \`runs/stages\` and are not repeated |
`;
}
