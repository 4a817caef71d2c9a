import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ordinaryAccount } from '../postgres/account.ts';
import { iniFor } from '../site.ts';
import { type How, uncached } from '../uncached.ts';
import { checkHere } from './command-here.ts';
import { expectNamed } from './mistakes/table.ts';
import { database, site } from './site-and-database.ts';

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
clear[] = categories/{category}/*
`;

const check = (text: string, how: How = {}, env: NodeJS.ProcessEnv = {}) =>
  uncached(['--config', site.configure(text), 'check'], env, { verbatim: true, ...how });
const ini = (options = {}) => iniFor(site, database.config, { handlers, ...options });

/** A user other than root. Only root can run programs as two users. */
const account = process.getuid?.() === 0 ? ordinaryAccount() : undefined;

beforeEach(() => chmodSync(dirname(site.root), 0o755));

describe('check, of a cache', () => {
  it('takes a new one, which is empty, for no problem', async () => {
    writeFileSync(join(site.root, '.uncached'), '');
    mkdirSync(join(site.root, 'lost+found'));
    const { stdout } = await check(ini());
    expect(stdout).toContain(
      `notice: [cache] root = ${site.root} is empty: the directories that templates name (ports, categories) are to be made there by what writes the pages\n`,
    );
    expectNamed('The cache is new, and there is nothing in it', stdout);
    expect(stdout).not.toContain('matches nothing');
    // The directory exists already.
    site.write(['ports/www/nginx/1']);
    expect((await checkHere(site.configure(ini()))).stdout).toContain(
      `[handler.listen_port] the template "categories/{category}/*" matches nothing: there is no directory ${site.root}/categories`,
    );
  });

  it.runIf(account)(
    'names the directories that its writers keep from the daemon, and the remedy',
    async () => {
      const root = site.root;
      site.write(['ports/www/nginx/1', 'ports/www/apache/1', 'categories/www/1']);
      for (const path of ['', 'ports', 'categories', 'categories/www'])
        chownSync(join(root, path), account?.uid ?? 0, 0);
      const { code, stdout } = await check(ini(), { ...(account && { account }) });
      expect(code).toBe(1);
      expect(stdout).toContain(
        `[cache] root = ${root}: ${account?.name} cannot delete in 2 of 3 directories, such as ${root}/ports/www/`,
      );
      expectNamed('What writes the pages has umask 022', stdout);
      // The suggested command works.
      for (const path of ['ports/www/nginx', 'ports/www/apache']) {
        chownSync(join(root, path), 0, account?.gid ?? 0);
        chmodSync(join(root, path), 0o2775);
      }
      expect((await check(ini(), { ...(account && { account }) })).stdout).not.toContain('cannot delete');
    },
  );

  it.runIf(account)("names the account that it checked for, if that is not the daemon's", async () => {
    site.write(['ports/www/nginx/1', 'categories/www/1']);
    const file = site.configure(ini());
    const asRoot = "notice: checked as root, who may do everything: check as the daemon's account: ";
    expect((await check(ini())).stdout).toContain(
      `${asRoot}runuser -u NAME -- uncached --config ${file} check\n`,
    );
    expectNamed('`check` is run as root', (await check(ini())).stdout);
    const marker = join(site.root, '.uncached');
    writeFileSync(marker, '');
    chownSync(marker, account?.uid ?? 0, 0);
    expect((await check(ini())).stdout).toContain(
      `${asRoot}runuser -u ${account?.name} -- uncached --config ${file} check\n`,
    );
    const how = { ...(account && { account }) };
    expect((await check(ini(), how)).stdout).not.toContain('checked as');
    chownSync(marker, 0, 0);
    const { stdout } = await check(ini(), how);
    expectNamed('`check` is run as another account than the daemon', stdout);
    expect(stdout).toContain(
      `notice: checked as ${account?.name}, but the last daemon ran as root, who owns ${marker}: `,
    );
  });

  it('reports a root that is none, and everything else', async () => {
    const wrong = ini().replace('queue = cache_clearing_ports', 'queue = missing');
    const loop = join(dirname(site.root), 'loop');
    symlinkSync(loop, loop);
    for (const [text, problem] of [
      [wrong.replace(/^root = .*$/m, 'root = cache'), '[cache] root = cache: must be an absolute path'],
      [wrong.replace(/^root = .*$/m, ''), '[cache] root is missing'],
      [wrong.replace(/^root = .*$/m, 'root = /dev/null'), '[cache] root = /dev/null is not a directory'],
      [wrong.replace(/^root = .*$/m, `root = ${loop}`), ': a symbolic link leads back to itself: correct it'],
      [
        wrong.replace(/^root = .*$/m, `root = ${site.root}/none`),
        `[cache] root = ${site.root}/none does not exist: `,
      ],
    ] as const) {
      const { stdout } = await checkHere(site.configure(text));
      expect(stdout).toContain(problem);
      expect(stdout).toContain('queue table missing does not exist');
      if (problem.includes('does not exist')) expectNamed('Root does not exist', stdout);
    }
  });

  it.runIf(account)('reports a root that the daemon cannot use', async () => {
    site.write(['ports/www/nginx/1', 'categories/www/1']);
    chmodSync(site.root, 0o700);
    const { code, stdout } = await check(ini(), { ...(account && { account }) });
    expect(code).toBe(1);
    expect(stdout).toContain(`[cache] root = ${site.root} cannot be opened: EACCES`);
    expectNamed('The daemon may not enter root', stdout);
    expect(stdout.match(/\[cache\]/g)).toHaveLength(1);

    chmodSync(site.root, 0o755);
    expect((await check(ini(), { ...(account && { account }) })).stdout).toContain(
      `clears nothing: ${site.root}/ports is not writable: give the daemon's user read, write and execute permission on that directory`,
    );
  });
});
