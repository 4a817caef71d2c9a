import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { shellWord } from '../../src/core/shell.ts';
import { main } from '../uncached.ts';

/** `script` of util-linux runs a program on a terminal. FreeBSD's `script` takes other arguments. */
export const noTerminal =
  spawnSync('script', ['-V'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true
    ? undefined
    : 'script (util-linux) is not there';

interface Shown {
  readonly code: number;
  readonly text: string;
}

/**
 * Runs a command on a terminal of 80 columns until it ends.
 * @param press called with the output so far; presses Ctrl-C when it returns true
 */
export async function onTerminal(
  args: readonly string[],
  { env = {}, press = () => false }: { env?: NodeJS.ProcessEnv; press?: (text: string) => boolean } = {},
): Promise<Shown> {
  const command = ['exec', process.execPath, main, ...args].map((word, at) =>
    at === 0 ? word : shellWord(word),
  );
  const child = spawn('script', ['-qefc', `stty cols 80 rows 40; ${command.join(' ')}`, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  let pressed = false;
  child.stdout.setEncoding('utf8').on('data', (data) => {
    text += data;
    if (pressed || !press(text)) return;
    pressed = true;
    child.stdin.write('\x03');
  });
  const [code] = await once(child, 'close');
  return { code, text: text.replaceAll('\r\n', '\n') };
}
