import { afterAll, expect, vi } from 'vitest';

/*
 * Runs before each file of those that share a process: every file gets modules of its own, so that no state
 * of a module and no hook of a helper is another file's. What remains common is the process, which a file
 * leaves as it found it, or fails: then its place is in own-process.ts.
 */

vi.resetModules();

const ofProcess = () => ({
  directory: process.cwd(),
  umask: process.umask(),
  environment: { ...process.env },
  listening: process.eventNames().filter((event) => event !== 'exit'),
});

const found = ofProcess();
afterAll(() => expect(ofProcess()).toEqual(found));
