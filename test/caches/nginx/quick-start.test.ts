import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { client, database, site } from '../../cli/site-and-database.ts';
import { iniFor } from '../../site.ts';
import { uncached } from '../../uncached.ts';
import { get } from '../purge/varnish.ts';
import { makeNginx, type Nginx, nginxFound } from './nginx.ts';
import { phpFound, startPhp } from './php-fpm.ts';

const zone = '/var/cache/nginx/pages';

const [, chapter = ''] = readFileSync('doc/caches.md', 'utf8').split("\n## nginx's disk cache\n");

/** A block of the manual, which stands in a list. */
function block(language: 'nginx' | 'ini' | 'systemd'): string {
  const [, text = ''] = new RegExp(`^ {3}\`\`\`${language}\n(.*?)^ {3}\`\`\``, 'ms').exec(chapter) ?? [];
  return text.replace(/^ {3}/gm, '');
}

let nginx: Nginx;
let php: Awaited<ReturnType<typeof startPhp>> | undefined;
let folder: string;

function publish(version: number): void {
  writeFileSync(join(folder, 'version'), String(version));
}

const configure = () => {
  const section = block('ini').replace(zone, `${folder}/pages`).replace('\nkey[]', '\nlag = 1s\nkey[]');
  return site.configure(iniFor(site, database.config, { handlers: section, more: '' }));
};

const page = (path: string) => get(nginx.address(), path);

const change = (section: string, slug: string) =>
  client.query('INSERT INTO cache_clearing_articles VALUES ($1, $2)', [section, slug]);

describe.skipIf(!nginxFound || !phpFound)('the quick start of doc/caches.md', () => {
  beforeEach(async () => {
    nginx = await makeNginx((where, [port]) =>
      block('nginx')
        .replace(zone, `${where}/pages`)
        .replace('/var/www/example', `${where}/www`)
        .replace('/run/php/php-fpm.sock', `${where}/php.sock`)
        .replace('include fastcgi_params', 'include /etc/nginx/fastcgi_params')
        .replace('listen 80;', `listen 127.0.0.1:${port};`),
    );
    folder = nginx.folder;
    mkdirSync(join(folder, 'www'));
    writeFileSync(
      join(folder, 'www/index.php'),
      `<?php header('Vary: Accept-Encoding'); echo $_SERVER['REQUEST_URI'], ' version ', file_get_contents('${folder}/version');`,
    );
    publish(1);
    await client.query('CREATE TABLE cache_clearing_articles (section text, slug text)');
  });
  afterEach(async () => {
    await client.query('DROP TABLE cache_clearing_articles');
    await php?.stop();
    php = undefined;
    await nginx.remove();
  });

  it('keeps no page of php-fpm that has changed', async () => {
    php = await startPhp(folder);
    await nginx.start();
    const file = configure();
    const paths = ['/articles/news/tea', '/articles/news/', '/articles/news/coffee'];
    const pages = () => Promise.all(paths.map(page));
    const first = paths.map((path) => `${path} version 1`);
    expect(await pages()).toEqual(first);
    publish(2);
    expect(await pages()).toEqual(first);
    const checked = await uncached(['--config', file, 'check']);
    expect(checked.stdout.split('\n').filter((line) => line.includes('nginx'))).toEqual([]);
    await change('news', 'tea');
    const drained = await uncached(['--config', file, 'drain']);
    expect(drained).toMatchObject({ code: 0, stderr: '' });
    // The first start clears the zone as a whole.
    expect(await pages()).toEqual(paths.map((path) => `${path} version 2`));
    publish(3);
    await change('news', 'tea');
    expect(await uncached(['--config', file, 'drain'])).toMatchObject({ code: 0, stderr: '' });
    expect(await pages()).toEqual(paths.map((path, at) => `${path} version ${at === 2 ? 2 : 3}`));
    expect(nginx.complaints('crit')).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)('needs the rights that it names', async () => {
    php = await startPhp(folder);
    await nginx.start();
    const file = configure();
    expect(await page('/articles/news/tea')).toBe('/articles/news/tea version 1');
    for (const one of [dirname(site.root), site.root]) chmodSync(one, 0o755);
    publish(2);
    const clearing = ['--config', file, 'clear', 'articles', 'section=news', 'slug=tea'];
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const refused = await uncached(clearing, {}, { before: asNobody });
    expect(refused.stderr).toContain(
      `[nginx.pages] ${folder}/pages cannot be cleared: EACCES, this account may not`,
    );
    expect(refused.code).toBe(1);

    expect(block('systemd')).toContain('AmbientCapabilities=CAP_DAC_OVERRIDE\n');
    const given = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
    const done = await uncached(clearing, {}, { before: [...asNobody, ...given] });
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: 'deleted 1 file\n' });
    expect(await page('/articles/news/tea')).toBe('/articles/news/tea version 2');
    const { uid, gid } = statSync(join(folder, 'pages'));
    publish(3);
    const asWorker = await uncached(clearing, {}, { account: { uid, gid } });
    expect(asWorker).toMatchObject({ code: 0, stderr: '' });
    expect(await page('/articles/news/tea')).toBe('/articles/news/tea version 3');
  });
});

/** systemd is not asked to run it here, but to read it. */
const systemdFound = spawnSync('systemd-analyze', ['--version']).status === 0;

it.skipIf(!systemdFound)('the drop-in of doc/caches.md is one for the unit', async () => {
  const where = dirname(site.root);
  const unit = join(where, 'uncached.service');
  const text = readFileSync('service/uncached.service', 'utf8').replace(/^User=.*$/m, 'User=root');
  writeFileSync(unit, text);
  mkdirSync(`${unit}.d`);
  writeFileSync(join(`${unit}.d`, 'nginx.conf'), block('systemd'));
  const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  expect(stdout + stderr).toBe('');
});
