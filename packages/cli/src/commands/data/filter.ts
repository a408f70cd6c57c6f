import {
  type Bounds,
  filterByCharacters,
  filterByLanguage,
  filterByTokens,
  filterGarble,
  type SourcedRecord,
  type Step,
} from '@gram/data';
import { loadTokenizer } from '@gram/tokenize';
import { defineCommand } from '../../command.js';
import { CliError } from '../../error.js';
import { wholeNumber } from '../../parse-flags.js';
import { inputOperand, jsonFlag, openCounter, outputOperand, recordFlags, tokenizerFlag } from './input.js';
import { passRecords } from './pass.js';

/** `gram data filter`: no record that is too long, foreign or damaged. */
export const filterCommand = defineCommand({
  operands: { input: inputOperand, output: outputOperand },
  flags: {
    ...recordFlags,
    'min-characters': {
      value: 'N',
      help: 'smallest size of a record, its prompt and its responses together',
    },
    'max-characters': { value: 'N', help: 'largest size of a record' },
    'min-tokens': { value: 'N', help: 'smallest size in tokens; needs --tokenizer' },
    'max-tokens': { value: 'N', help: 'largest size in tokens; needs --tokenizer' },
    tokenizer: tokenizerFlag,
    language: {
      value: 'CODE',
      multiple: true,
      help: 'keep records in this language, as en, and those whose language cannot be told',
    },
    garble: {
      help: 'leave out damaged text: undecodable or control characters, misread UTF-8, endless repetition',
    },
    json: jsonFlag,
  },
  example:
    'gram data filter raw.jsonl clean.jsonl --max-tokens 2048 --tokenizer model --language en --garble',
  cost: 'reading the file; tokenizing takes longest',
  async run(values, io) {
    const { input, output, tokenizer: path, language, garble, json } = values;
    const size = (flag: keyof typeof values & `m${string}-${string}s`): number | undefined => {
      const text = values[flag];
      return typeof text === 'string' ? wholeNumber(flag, text, 0) : undefined;
    };
    const characters: Bounds = { least: size('min-characters'), most: size('max-characters') };
    const tokens: Bounds = { least: size('min-tokens'), most: size('max-tokens') };
    const isBounded = ({ least, most }: Bounds) => least !== undefined || most !== undefined;
    if (isBounded(tokens) !== (path !== undefined)) {
      throw new CliError(
        'usage',
        'a bound in tokens and a tokenizer belong together',
        'give --tokenizer PATH with --min-tokens or --max-tokens, and only then',
      );
    }
    const tokenizer = path === undefined ? undefined : loadTokenizer(path);
    const steps: Step<SourcedRecord>[] = [
      ...(garble ? [filterGarble<SourcedRecord>()] : []),
      ...(isBounded(characters) ? [filterByCharacters<SourcedRecord>(characters)] : []),
      ...(language.length > 0 ? [await filterByLanguage<SourcedRecord>(language)] : []),
      ...(tokenizer === undefined
        ? []
        : [filterByTokens<SourcedRecord>(tokens, () => openCounter(tokenizer, io))]),
    ];
    if (steps.length === 0) {
      throw new CliError(
        'usage',
        'gram data filter needs to know what to leave out',
        'give --max-tokens, --max-characters, --language or --garble',
      );
    }
    await passRecords({ input, output, values, steps, json }, io);
  },
});
