import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { main } from '../uncached.ts';

/** A reader that reads nothing for a while, and then everything. */
export const slowReader = '{ sleep 0.3; cat; }';

/** A reader that ends before any output. */
export const goneReader = 'true';

/** Runs a command with a stream in a real pipe to another program. The pipe holds 64 KiB. */
export async function piped(
  args: readonly string[],
  reader: string,
  stream: 'stdout' | 'stderr' = 'stdout',
): Promise<{ code: number; read: string; other: string }> {
  const ways = stream === 'stdout' ? '2>&4' : '2>&1 >&4';
  const child = spawn(
    'sh',
    ['-c', `{ "$@" ${ways}; echo $? >&3; } | ${reader}`, 'sh', process.execPath, main, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe'],
    },
  );
  const texts = [1, 3, 4].map(async (fd) => {
    let text = '';
    const from = child.stdio[fd] as NodeJS.ReadableStream;
    for await (const data of from.setEncoding('utf8')) text += data;
    return text;
  });
  await once(child, 'close');
  const [read = '', code = '', other = ''] = await Promise.all(texts);
  return { code: Number(code), read, other };
}
