// Every kind of input, and how many mutations of it are read in the long form.
import { adapter } from './adapter.mjs';
import { checkpoint } from './checkpoint.mjs';
import { configFile } from './config.mjs';
import { gguf } from './gguf.mjs';
import { http } from './http.mjs';
import { jsonl } from './jsonl.mjs';
import { safetensors } from './safetensors.mjs';
import { template } from './template.mjs';
import { tokenizerFile } from './tokenizer.mjs';
import { yaml } from './yaml.mjs';

export const targets = [
  { ...safetensors, cases: 100_000 },
  { ...gguf, cases: 100_000 },
  { ...tokenizerFile, cases: 100_000 },
  { ...configFile, cases: 100_000 },
  { ...adapter, cases: 100_000 },
  { ...checkpoint, cases: 100_000 },
  { ...jsonl, cases: 20_000 },
  { ...yaml, cases: 20_000 },
  // Each starts a process.
  { ...template, cases: 20_000, shortCases: 40 },
  { ...http, cases: 20_000 },
];
