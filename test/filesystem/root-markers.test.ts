import { expect, it } from 'vitest';
import { rootMarkers } from '../../src/filesystem/workers/root-markers.ts';
import { Stalled } from '../../src/filesystem/workers/worker.ts';
import type { Request } from '../../src/filesystem/workers/worker-request.ts';

const seen = { machine: 'm', boot: 'b', mountPoint: '/', fronts: [], refused: [] };

/** Workers that stop answering for these directories. */
function askOf(hanging: readonly (string | undefined)[]) {
  const asked: string[][] = [];
  const silent = { suspended: [] as string[], suspend: (path: string) => void silent.suspended.push(path) };
  const ask = async (request: Request) => {
    if (request.kind !== 'look') throw new Error('unexpected');
    asked.push([...request.silent]);
    const path = hanging.find((one) => one === undefined || !request.silent.includes(one));
    if (hanging.length > 0 && (path !== undefined || hanging.includes(undefined)))
      throw new Stalled(path, 10_000);
    return { ...seen, silent: request.silent };
  };
  return { asked, silent, markers: rootMarkers('/srv', ['news', 'ports'], { ask: ask as never, silent }) };
}

it('leaves out what does not answer, one directory after the other', async () => {
  const { asked, markers } = askOf(['news', 'ports']);
  expect((await markers.read()).silent).toEqual(['news', 'ports']);
  expect(asked).toEqual([[], ['news'], ['news', 'ports']]);
});

it('does not look again where something does not answer, until that is known to answer', async () => {
  const hanging = ['news', 'ports'];
  const { asked, markers, silent } = askOf(hanging);
  await markers.read();
  // A clearing has found this one, which is no front: it must not hide the set.
  silent.suspended.push('ports/www/a');
  asked.length = 0;
  expect((await markers.read()).silent).toEqual(['news', 'ports']);
  expect(asked).toEqual([['news', 'ports']]);
  silent.suspended = ['ports'];
  hanging.shift();
  expect((await markers.read()).silent).toEqual(['ports']);
  expect(asked.at(-1)).toEqual(['ports']);
});

it.each([[[undefined]], [['']]])('does not inspect a root that does not answer itself', async (hanging) => {
  await expect(askOf(hanging).markers.read()).rejects.toThrow('did not answer');
});
