import { spawn } from 'node:child_process';

/**
 * Runs a shell command when this process ends, even by kill -9. A shell in a session of its own holds a pipe
 * to us and waits for its end. Returns a function that cancels this.
 */
export function lastWill(script: string, ...args: string[]): () => void {
  const shell = spawn('/bin/sh', ['-c', `read -r word || { ${script}; }`, 'last will', ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  // The pipe must not keep us alive. It is closed by our end.
  (shell.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  // The shell may end before we do.
  shell.stdin?.on('error', () => {});
  return () => shell.stdin?.end('alive\n');
}
