import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { site } from './site.ts';

const markdown = readFileSync(new URL('../../doc/writers.md', import.meta.url), 'utf8');
const path = 'ports/rsync.html';

/**
 * Each program prints the page of argv. The render is a shell command: its output is the page, its failure an
 * exception.
 */
const languages = [
  {
    language: 'python',
    command: 'python3',
    withOneName: (code: string) => `${code}\nsecrets.token_hex = lambda size: "0123456789abcdef"\n`,
    drive: `
import subprocess
root, path, command = sys.argv[1:]
sys.stdout.buffer.write(page(root, path, lambda: subprocess.check_output(command, shell=True)))
`,
  },
  {
    language: 'php',
    command: 'php',
    withOneName: (code: string) =>
      code.replace('<?php', '<?php namespace one; function bin2hex($any) { return "0123456789abcdef"; }'),
    drive: `
echo page($argv[1], $argv[2], function () use ($argv) {
    ob_start();
    passthru($argv[3], $status);
    $body = ob_get_clean();
    if ($status !== 0) throw new Exception('Cannot render');
    return $body;
});
`,
  },
];

for (const { language, command, withOneName, drive } of languages) {
  const missing = spawnSync(command, ['--version']).status !== 0;
  if (missing)
    console.warn(`NOT TESTED: the ${language} example of doc/writers.md, for ${command} is missing`);

  describe.skipIf(missing)(`the ${language} example of doc/writers.md`, () => {
    function example(code = codeOf(language)) {
      const { root, entries, stored } = site();
      const script = join(site().root, 'example');
      writeFileSync(script, code + drive);
      const run = (page: string, render: string, limit = 'unlimited') => {
        const shell = `trap '' XFSZ; ulimit -f ${limit}; cd "$1" 2>&-; exec ${command} "$0" "$@"`;
        const { stdout, stderr, status } = spawnSync('bash', ['-c', shell, script, root, page, render]);
        return { body: `${stdout}`, stderr: `${stderr}`, status };
      };
      return { root, entries, stored, run };
    }

    test('stores a page, and serves it from disk from then on', () => {
      const { run, entries } = example();
      expect(run(path, 'printf one')).toEqual({ body: 'one', stderr: '', status: 0 });
      expect(run(path, 'printf two').body).toBe('one');
      expect(entries(path)).toEqual(['rsync.html']);
    });

    test('has its temp open when it renders', () => {
      const { run } = example();
      expect(run(path, 'ls -A ports').body).toMatch(/^\.rsync\.html\.[0-9a-f]{16}\.tmp\n$/);
    });

    test('makes the page by renaming the temp', () => {
      const { root, run } = example();
      const inode = run(path, 'ls -Ai ports | cut -d . -f 1').body;
      expect(Number(inode)).toBe(statSync(join(root, path)).ino);
    });

    test('leaves a temp alone that exists already', () => {
      const { root, run } = example(withOneName(codeOf(language)));
      mkdirSync(join(root, 'ports'));
      const temp = join(root, 'ports/.rsync.html.0123456789abcdef.tmp');
      writeFileSync(temp, 'of another writer');
      expect(run(path, 'printf rendered')).toMatchObject({ body: 'rendered', status: 0 });
      expect(readFileSync(temp, 'utf8')).toBe('of another writer');
    });

    test('never uses a temp name twice', () => {
      const { run } = example();
      const names = ['a', 'b', 'c'].map((name) => run(path, `ls -A ports; rm ports/.*.tmp # ${name}`).body);
      expect(new Set(names).size).toBe(3);
    });

    test('serves what was cleared meanwhile, without storing it or complaining', () => {
      const { run, entries } = example();
      const stale = { body: 'stale', stderr: '', status: 0 };
      expect(run(path, 'rm ports/.rsync.html.*.tmp; printf stale')).toEqual(stale);
      expect(run(path, 'rm -r ports; printf stale')).toEqual(stale);
      expect(entries(path)).toEqual([]);
    });

    test('passes an exception of render on and leaves no temp', () => {
      const { run, entries } = example();
      expect(run(path, 'exit 1').status).not.toBe(0);
      expect(entries(path)).toEqual([]);
    });

    test('serves a page whole that the disk does not take, without storing it, and complains', () => {
      const { run, entries } = example();
      const { body, stderr, status } = run(path, 'head -c 150000 /dev/zero', '100');
      expect({ size: body.length, status }).toEqual({ size: 150_000, status: 0 });
      expect(stderr).toContain(`Cannot cache page`);
      expect(entries(path)).toEqual([]);
    });

    test('serves a page that cannot be renamed, removes its temp, and complains', () => {
      const { root, run, entries } = example();
      mkdirSync(join(root, path), { recursive: true });
      expect(run(path, 'printf rendered')).toMatchObject({ body: 'rendered', status: 0 });
      expect(run(path, 'printf rendered').stderr).toContain('Cannot cache page');
      expect(entries(path)).toEqual(['rsync.html']);
    });

    test('serves a page when its directory cannot be made, and reports that', () => {
      const { root, run } = example();
      writeFileSync(join(root, 'ports'), 'not a directory');
      expect(run(path, 'printf rendered')).toMatchObject({ body: 'rendered', status: 0 });
      expect(run(path, 'printf rendered').stderr).toContain('Cannot cache page');
    });

    test('does not make a missing root', () => {
      const { root, run } = example();
      rmSync(root, { recursive: true });
      expect(run(path, 'printf rendered').body).toBe('rendered');
      expect(() => readdirSync(root)).toThrow('ENOENT');
    });

    test.each(['../x', '/x', 'a//x', 'a/.x', 'x/', '', 'a/..'])(
      'renders %j without storing it',
      (refused) => {
        const { root, run } = example();
        mkdirSync(join(root, 'a'));
        expect(run(refused, 'printf rendered')).toEqual({ body: 'rendered', stderr: '', status: 0 });
        expect(readdirSync(root)).toEqual(['a']);
        expect(readdirSync(join(root, 'a'))).toEqual([]);
      },
    );
  });
}

function codeOf(language: string): string {
  const code = markdown.split(`\n\`\`\`${language}\n`)[1]?.split('\n```\n')[0];
  if (code === undefined) throw new Error(`Cannot test the example: doc/writers.md has none in ${language}`);
  return code;
}
