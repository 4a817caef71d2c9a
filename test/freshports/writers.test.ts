import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../postgres/project-root.ts';
import type { RunningDaemon } from '../uncached.ts';
import { isCleared } from './events.ts';
import { freshPorts } from './incident.ts';
import type { FreshPorts } from './world.ts';

const missing = spawnSync('php', ['--version']).status !== 0;
if (missing)
  console.warn('NOT TESTED: the PHP of doc/freshports.md, for php is missing: apt-get install php-cli');

const at = freshPorts();
const page = 'ports/www/nginx/Detail.Part1.head.PageSize100.PageNum1.html';
const [today = '', changed = ''] = [
  ...readFileSync(join(projectRoot, 'doc/freshports.md'), 'utf8').matchAll(/\n```php\n(.*?)\n```\n/gs),
].map(([, code]) => code);

/** The database's answer comes from the test, which decides how old it is. */
const render = `
function render(): string {
    fwrite(STDERR, "asks\\n");
    $body = rtrim(fgets(STDIN));
    fwrite(STDERR, "rendered\\n");
    fgets(STDIN);
    return $body;
}
[, $cache, $page] = $argv;
`;
const drive = {
  today: `${today}${render} $body = render(); store_page($cache, $page, $body); echo $body;`,
  changed: `${changed}${render} $begun = begin_page("$cache/$page"); $body = render(); store_page("$cache/$page", $begun, $body); echo $body;`,
};

describe.skipIf(missing)('a site that spools with tempnam and renames, as today', () => {
  it('a settle time longer than its slowest render: the stale page is deleted', async () => {
    const { site } = at;
    // This includes the time that a busy machine makes of the render.
    const daemon = await site.startUncached({ settle: '20s' });
    await site.ask(['clear', 'listen_port', 'category=www', 'port=nginx']);
    const php = await beginRender(site, drive.today);
    await change(site, daemon);
    expect(await php.end()).toBe('a web server');
    await site.settled();
    expect(site.has(page)).toBe(false);
  });

  it('a settle time shorter than that: it stays', async () => {
    const { site } = at;
    const daemon = await site.startUncached({ settle: '0s' });
    await site.ask(['clear', 'listen_port', 'category=www', 'port=nginx']);
    const php = await beginRender(site, drive.today);
    await change(site, daemon);
    await site.settled();
    await php.end();
    await site.touch(2);
    await site.settled();
    expect(readFileSync(join(site.site.root, page), 'utf8')).toBe('a web server');
  });
});

describe.skipIf(missing)('a site with the change of doc/freshports.md', () => {
  it('needs no settle time: what was cleared meanwhile is served, and not stored', async () => {
    const { site } = at;
    const daemon = await site.startUncached({ settle: '0s' });
    await site.ask(['clear', 'listen_port', 'category=www', 'port=nginx']);
    const php = await beginRender(site, drive.changed);
    await change(site, daemon);
    await site.settled();
    expect(await php.end()).toBe('a web server');
    expect(entries(site)).toEqual([]);
  });

  it('stores the page where nothing came in between, and leaves nothing else', async () => {
    const { site } = at;
    await site.ask(['clear', 'listen_port', 'category=www', 'port=nginx']);
    const php = await beginRender(site, drive.changed);
    expect(await php.end()).toBe('a web server');
    expect(entries(site)).toEqual([page.slice(page.lastIndexOf('/') + 1)]);
    expect(readFileSync(join(site.site.root, page), 'utf8')).toBe('a web server');
  });

  it('serves a page that the disk does not take, and stores none of it', async () => {
    const { site } = at;
    await site.ask(['clear', 'listen_port', 'category=www', 'port=nginx']);
    const php = await beginRender(site, drive.changed, { limit: '0' });
    expect(await php.end()).toBe('a web server');
    expect(entries(site)).toEqual([]);
  });
});

const entries = ({ site }: FreshPorts) =>
  readdirSync(join(site.root, dirname(page))).filter((name) => name !== 'files');

/** The change that makes the render stale, and its first clearing. */
async function change(site: FreshPorts, daemon: RunningDaemon): Promise<void> {
  await site.query('commits', `UPDATE ports SET short_description = 'the web server' WHERE id = 1`);
  await daemon.until('clearing', isCleared('listen_port'));
}

/**
 * A render that has read the database and has not stored its page yet. end() makes it store the page, and
 * resolves with the response.
 */
async function beginRender(
  site: FreshPorts,
  code: string,
  { limit = 'unlimited' } = {},
): Promise<{ end(): Promise<string> }> {
  const script = join(dirname(site.site.root), 'page.php');
  writeFileSync(script, code);
  const shell = `trap '' XFSZ; ulimit -f ${limit}; exec php "$@"`;
  const php: ChildProcess = spawn('bash', ['-c', shell, 'php', script, site.site.root, page]);
  const said: string[] = [];
  let body = '';
  php.stdout?.on('data', (data) => {
    body += data;
  });
  const ended = once(php, 'close');
  if (!php.stderr || !php.stdin) throw new Error('Cannot talk to php: it has no pipes');
  const words = createInterface({ input: php.stderr })[Symbol.asyncIterator]();
  const hear = async (word: string) => {
    for (;;) {
      const { value, done } = await words.next();
      if (done) throw new Error(`php ended without "${word}": ${said.join('\n')}`);
      if (value === word) return;
      said.push(value);
    }
  };
  await hear('asks');
  const [port] = await site.query<{ short_description: string }>(
    'www',
    'SELECT short_description FROM ports WHERE id = 1',
  );
  php.stdin.write(`${port?.short_description}\n`);
  await hear('rendered');
  return {
    async end() {
      php.stdin?.end('go\n');
      await ended;
      return body;
    },
  };
}
