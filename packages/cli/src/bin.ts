#!/usr/bin/env node
import { constants } from 'node:os';
import { main } from './main.js';

const interrupt = new AbortController();
let isSignaled = false;
// These come from the keyboard, from a scheduler that takes the machine away, and from a closed terminal.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // The first signal lets the command finish what it must not leave half-done; the second one ends the process.
  process.on(signal, () => {
    if (isSignaled) process.exit(128 + constants.signals[signal]);
    isSignaled = true;
    interrupt.abort();
  });
}
// A terminal or a pipe that is gone refuses what is written to it, maybe before its signal comes. The command saves and stops then too.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => interrupt.abort());

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
});
