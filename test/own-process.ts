/**
 * The files whose tests change their process permanently. vitest gives each of these a process of its own.
 * The others share a few processes, because starting one costs as much as most files (shared-process.ts).
 */
export const ownProcess = [
  // These mock a module of Node.
  'faults/fail-system-call',
  'filesystem/fail-system-call',
  'page-cache/failing-close',
  'page-cache/vanishing-directory',
  // These lose the working directory, or count open resources of the process.
  'cli/start-stop',
  'filesystem/clear-patterns',
  'filesystem/hard-cases',
  // This limits the file size of its process.
  'page-cache/failures',
  // These set the umask or the environment permanently.
  'faults/read-only',
  'situations/agree',
  'situations/situations',
].map((name) => `test/${name}.test.ts`);
