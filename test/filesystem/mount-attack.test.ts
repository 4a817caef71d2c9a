import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canMount, inNamespace } from '../faults/namespace.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'uncached-mount-attack-'));
  mkdirSync(join(base, 'root'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** root/set is a mount that templates name. The outside is another disk, so that st_dev differs. */
const setup = `cd "$1" && mkdir root/set outside && mount -t tmpfs -o mode=755 none outside &&
  mount -t tmpfs -o mode=755 none root/set && mkdir -p root/set/www root/set/hand && touch outside/a outside/b`;

/** What the attacker repeats while a clearing runs that a template asks for. */
const attacks = {
  'a directory of the set swapped for a link and back': {
    loop: 'mv -T root/set/www root/set/hand/www; ln -s "$PWD/outside" root/set/www; rm root/set/www; mv -T root/set/hand/www root/set/www; touch root/set/www/a',
    patterns: ['set/www/*', 'set/*/a'],
  },
  'another mount over a directory of the set': {
    loop: 'touch root/set/www/a; mount --bind outside root/set/www; umount -l root/set/www',
    patterns: ['set/www/*', 'set/*/a'],
  },
  'another mount over a directory of the set that is removed': {
    loop: 'mkdir -p root/set/www; touch root/set/www/a; mount --bind outside root/set/www; umount -l root/set/www',
    patterns: ['set/*/', 'set/www/'],
  },
  'a link in the place of the set, whose mount comes and goes': {
    loop: 'umount -l root/set; mv -T root/set hand; ln -s outside root/set; rm root/set; mv -T hand root/set; mount -t tmpfs none root/set; mkdir root/set/www; touch root/set/www/a',
    patterns: ['set/*', 'set/www/*'],
  },
};

const script = `
const [base, dist, walk, loop, ...patterns] = process.argv.slice(1);
const { spawn } = await import('node:child_process');
const { once } = await import('node:events');
const { readdirSync, statSync, writeFileSync } = await import('node:fs');
writeFileSync(base + '/loops', '');
const { clear } = await import(dist + '/clear-patterns.js');
const walks = { ...await import(dist + '/walk/handle-walk.js'), ...await import(dist + '/walk/chdir-walk.js') };
const attacker = spawn('sh', ['-c', 'while :; do ' + loop + '; echo >> loops; done'], { cwd: base, stdio: ['ignore', 'pipe', 'ignore'] });
const met = { rounds: 0, files: 0, failures: 0, lost: 0 };
const rest = new Int32Array(new SharedArrayBuffer(4));
const start = performance.now();
const lasts = () => performance.now() - start;
while ((lasts() < 1_500 || met.files === 0 || met.failures === 0) && lasts() < 90_000 && met.lost === 0) {
  met.rounds += 1;
  // The walk without a rest removes each directory before the shell has mounted anything over it. How long it
  // rests is random, so that it meets the attacker at every step, however long the steps take on this machine.
  const loopMs = lasts() / (statSync(base + '/loops').size + 1);
  Atomics.wait(rest, 0, 0, Math.random() * 2 * loopMs);
  try {
    const { files, failures } = clear(base + '/root', patterns, walks[walk], { fronts: ['set'] });
    met.files += files;
    met.failures += failures.length;
  } catch { met.failures += 1; }
  met.lost = 2 - readdirSync(base + '/outside').length;
}
attacker.kill('SIGKILL');
// The command that it was running holds the pipe, and could still make a file while everything is removed.
attacker.stdout.resume();
await once(attacker, 'close');
console.log(JSON.stringify(met));`;

describe.skipIf(!canMount()).each(['handle', 'chdir'])('the %s walk', (walk) => {
  it.each(Object.entries(attacks))(
    'loses no outside file to %s',
    (_name, { loop, patterns }) => {
      const [command = '', ...before] = inNamespace(setup, base);
      const node = [process.execPath, '--input-type=module', '-e', script, base, resolve('dist/filesystem')];
      const met = JSON.parse(
        execFileSync(command, [...before, ...node, `${walk}Walk`, loop, ...patterns], { encoding: 'utf8' }),
      ) as { rounds: number; files: number; failures: number; lost: number };
      expect(met.lost, JSON.stringify(met)).toBe(0);
      // This must not pass because there was no attack.
      expect(Math.min(met.files, met.failures), JSON.stringify(met)).toBeGreaterThan(0);
    },
    150_000,
  );
});
