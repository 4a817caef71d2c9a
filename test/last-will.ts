import { spawn } from 'node:child_process';

/**
 * Has a shell command done when this process ends, even by kill -9: a shell of its own session holds a pipe
 * to us and waits for its end. Returns a function that takes the will back.
 */
export function lastWill(script: string, ...args: string[]): () => void {
  const shell = spawn('/bin/sh', ['-c', `read -r word || { ${script}; }`, 'last will', ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  // The pipe alone must not keep us alive; closing it is the point.
  (shell.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  // The shell may be gone before we are.
  shell.stdin?.on('error', () => {});
  return () => shell.stdin?.end('alive\n');
}
