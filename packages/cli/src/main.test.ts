import { describe, expect, it } from 'vitest';
import { gram } from './__fixtures__/run.js';

describe('gram', () => {
  it('explains itself and its commands', async () => {
    const general = await gram(['--help']);
    for (const name of ['finetune', 'eval', 'score', 'rank']) {
      expect(general.stdout).toContain(`  ${name} `);
      const help = await gram([name, '--help']);
      expect(help.status).toBe(0);
      expect(help.stdout).toMatch(/Usage: gram [\s\S]*Example: gram [\s\S]*Cost: /);
    }
    expect((await gram([])).stdout).toBe(general.stdout);
    expect((await gram(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('takes help and -v for what they usually mean', async () => {
    const general = await gram(['--help']);
    const doctor = await gram(['doctor', '--help']);
    for (const argv of [['help'], ['-h'], ['help', '--help']]) expect(await gram(argv)).toEqual(general);
    for (const argv of [
      ['help', 'doctor'],
      ['--help', 'doctor'],
      ['doctor', '-h'],
    ]) {
      expect(await gram(argv)).toEqual(doctor);
    }
    expect(await gram(['-v'])).toEqual(await gram(['--version']));
  });

  const scoring = ['score', '--model', 'm', '--prompt', 'p', '--a', 'x'];
  it.each([
    ['an unknown command', ['evaluate'], /no command "evaluate"; did you mean gram eval\?/],
    ['a word that is near no command', ['wxyz'], /no command "wxyz"; see gram --help\n/],
    ['a word that help cannot explain', ['help', 'rnak'], /no command "rnak"; did you mean gram rank\?/],
    ['help of two commands', ['help', 'rank', 'score'], /unexpected argument "score"; name one command/],
    ['a flag that is near no other', ['doctor', '--verbose'], /no flag --verbose; see gram doctor --help/],
    ['an unknown flag', ['eval', '--modle', 'x'], /eval has no flag --modle; did you mean --model\?/],
    ['an inherited name as a flag', ['eval', '--toString'], /no flag --toString/],
    ['a missing flag', scoring, /give --a TEXT and --b TEXT/],
    ['a forgotten value', [...scoring, '--b', '--json'], /--b needs a value/],
    ['a value at the end', [...scoring, '--b'], /--b needs a value/],
    ['a value where none is taken', [...scoring, '--b', 'y', '--json=yes'], /--json takes no value/],
    ['a flag given twice', [...scoring, '--a', 'y'], /--a is given twice/],
    ['an unexpected argument', [...scoring, '--b', 'y', 'z'], /unexpected argument "z"/],
    [
      'a wrong choice',
      ['eval', '--model', 'm', '--data', 'd', '--format', 'hhrlhf'],
      /did you mean hh-rlhf\?/,
    ],
    ['no number', ['eval', '--model', 'm', '--data', 'd', '--limit', '0'], /--limit cannot be "0"/],
    ['a missing operand', ['init'], /STUDY is missing; see gram init --help/],
    ['a word after the last operand', ['init', 'rlhf', 'a', 'b'], /unexpected argument "b"/],
    ['no responses', ['rank', '--model', 'm', '--prompt', 'p'], /needs responses/],
  ])('refuses %s with status 2 and one line', async (_name, argv, message) => {
    const { status, stdout, stderr } = await gram(argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^gram: [^\n]*; [^\n]*\n$/);
    expect(stderr).toMatch(message);
  });

  it('takes an operand that may be missing, and says so', async () => {
    expect((await gram(['init', '--help'])).stdout).toContain('Usage: gram init STUDY [DIR] [FLAGS]');
    const { status, stderr } = await gram(['init', 'rank']);
    expect(status).toBe(1);
    expect(stderr).toBe(
      'gram: there is no study "rank"; choose one of reward-ranking, rlhf, task-adaptation\n',
    );
  });

  it('takes text that starts with a dash, and a bare --resume before another flag', async () => {
    const dashed = await gram([...scoring, '--b', '- an item']);
    // The flags are fine, so the next thing to fail is the model.
    expect(dashed.stderr).toMatch(/^gram: m does not exist/);
    const resumed = await gram(['finetune', '--resume', '--config', 'absent.yaml']);
    expect(resumed.stderr).toContain('cannot read the configuration absent.yaml');
  });
});
