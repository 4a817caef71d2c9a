#!/usr/bin/env node
import './cli/refuse-old-node.ts';
import './cli/early-signals.ts';
import './cli/early-navigator.ts';
import { runProgram } from './cli/program.ts';

// Everything is closed by now; exit rather than wait for something that a library may have left open.
process.exit(await runProgram(process.argv.slice(2)));
