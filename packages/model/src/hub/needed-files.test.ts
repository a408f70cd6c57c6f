import { describe, expect, it } from 'vitest';
import type { HubFile } from './listing.js';
import { chooseFiles, isPickle, isReadable } from './needed-files.js';

const reference = { kind: 'model', repo: 'owner/name', revision: 'main', file: undefined } as const;

function choose(...names: string[]) {
  const file = (name: string): HubFile => ({ name, size: 1, blob: 'a'.repeat(40), hash: 'git' });
  const listing = { files: new Map(names.map((name) => [name, file(name)])), pickled: false };
  const { small, index, weights } = chooseFiles(reference, listing);
  const namesOf = (files: readonly HubFile[]) => files.map(({ name }) => name);
  return { small: namesOf(small), index: index?.name, weights: namesOf(weights) };
}

describe('isReadable', () => {
  it.each([
    'config.json',
    'chat_template.jinja',
    'model.safetensors.index.json',
    'model-00001-of-00002.safetensors',
    'q4.gguf',
  ])('takes %s', (name) => {
    expect(isReadable(name)).toBe(true);
  });

  it.each([
    '../x.safetensors',
    '/x.safetensors',
    'a/b.safetensors',
    'a\\b.safetensors',
    'C:x.safetensors',
    '..safetensors',
    '.safetensors',
    'x.safetensors\n',
    'x\u0000.safetensors',
    'x.safetensors.py',
    '../config.json',
    'Config.json',
    'pytorch_model.bin',
    'modeling.py',
    'tokenizer.model',
    '__proto__',
  ])('refuses %j', (name) => {
    expect(isReadable(name)).toBe(false);
  });
});

describe('isPickle', () => {
  it('knows the usual names', () => {
    expect(['pytorch_model.bin', 'a.pt', 'a.pth', 'a.ckpt', 'sub/a.pkl'].every(isPickle)).toBe(true);
    expect(['bin', 'a.safetensors', 'a.json', 'a.pt.json'].some(isPickle)).toBe(false);
  });
});

describe('chooseFiles', () => {
  it('takes one file of weights where there is one, else the index', () => {
    const small = ['config.json'];
    const index = 'model.safetensors.index.json';
    expect(choose('config.json', index, 'model.safetensors', 'model-1.safetensors')).toEqual({
      small,
      index: undefined,
      weights: ['model.safetensors'],
    });
    expect(choose('config.json', index, 'model-1.safetensors')).toEqual({ small, index, weights: [] });
  });

  it('puts the weights of the model last, because they vouch for the rest', () => {
    expect(choose('model.safetensors', 'adapter_model.safetensors').weights).toEqual([
      'adapter_model.safetensors',
      'model.safetensors',
    ]);
  });
});
