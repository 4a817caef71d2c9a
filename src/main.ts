#!/usr/bin/env node
import { runProgram } from './cli/program.ts';

// Everything is closed by now; exit rather than wait for what a library may have left open.
process.exit(await runProgram(process.argv.slice(2)));
