#!/usr/bin/env node
import { main } from './main.js';

const interrupt = new AbortController();
// Once: a second Ctrl-C ends the process at once.
process.once('SIGINT', () => interrupt.abort());

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
});
