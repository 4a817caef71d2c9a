import { afterAll, expect, vi } from 'vitest';

/*
 * Runs before each file that shares a process. Every file gets its own modules, so that no module state and
 * no hook of a helper carries over to another file. The files have only the process in common. A file must
 * leave it as it found it. A file that does not is listed in own-process.ts.
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
