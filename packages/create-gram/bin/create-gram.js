#!/usr/bin/env node
// Committed, because pnpm links commands at install, before anything is built.
import '../dist/bin.js';
