/**
 * The files whose tests do something to their process that would outlast them; vitest gives each of these a
 * process of its own. The others share a few: to start one costs as much as most of them (shared-process.ts).
 */
export const ownProcess = [
  // Mock a module of Node.
  'faults/fail-system-call',
  'filesystem/fail-system-call',
  'page-cache/failing-close',
  'page-cache/vanishing-directory',
  // Lose the working directory, or count what the process has open.
  'filesystem/clear-patterns',
  'filesystem/hard-cases',
  // Limits the size of the files of its process.
  'page-cache/failures',
  // Set the umask or the environment for good.
  'faults/read-only',
  'situations/agree',
  'situations/situations',
].map((name) => `test/${name}.test.ts`);
