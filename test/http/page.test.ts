import { hostname } from 'node:os';
import { Client } from 'pg';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { freePort } from '../postgres/free-port.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { addFailing, forgetClearings } from '../postgres/unsettled.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { complaintsOf, noChromium, openChromium, patienceMs } from './chromium.ts';
import { momentsPlotted } from './plotted.ts';

if (noChromium) console.warn(`SKIPPED: the status page is not tried in a browser, since ${noChromium}`);

describe.skipIf(noChromium)('the status page', { timeout: 300_000 }, () => {
  const database = testDatabase();
  let browser: Browser;
  let client: Client;
  let site: Site;
  let daemon: RunningDaemon;
  let url: string;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await openChromium();
    client = new Client(database.config);
    await client.connect();
  });
  afterAll(async () => {
    await browser.close();
    await client.end();
  });
  beforeEach(async () => {
    site = makeSite();
    const port = await freePort();
    url = `http://127.0.0.1:${port}/`;
    site.configure(
      iniFor(site, database.config, {
        settle: '1h',
        // Nothing is cleared without a notification: not by the sweep, nor after a heartbeat that is missed.
        more: `[daemon]\nsweep = 1h\nheartbeat = 1h\n[http]\nlisten = ${port}`,
        handlers: `${freshportsHandlers}${evilHandler}`,
      }),
    );
    await start();
    page = await browser.newPage();
    page.setDefaultTimeout(patienceMs);
    complaints = complaintsOf(page, url);
    await page.goto(url);
  });
  afterEach(async () => {
    await page.close();
    await daemon.stop();
    await client.query('TRUNCATE cache_clearing_ports');
    await forgetClearings(client);
    site.remove();
  });

  async function start(): Promise<void> {
    daemon = startUncached(site.root.replace(/cache$/, 'uncached.ini'));
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    await daemon.until('serving', ({ event }) => event === 'serving');
  }

  async function clear(port: string): Promise<void> {
    site.write([`ports/www/${port}/1`, `ports/www/${port}/2`]);
    const from = daemon.log.length;
    await client.query(
      `WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1))
       SELECT pg_notify('port_updated', '')`,
      [port],
    );
    const isClearing = ({ event, handler }: LogLine) => event === 'cleared' && handler === 'listen_port';
    await daemon.until('clearing', (line) => isClearing(line) && daemon.log.indexOf(line) >= from);
  }

  const fail = (key: object, error: string) =>
    addFailing(client, { handler: 'listen_commit', key, error, attempts: 3 });

  /** The numbers in a handler's row, by column. */
  const rowOf = async (handler: string): Promise<Record<string, string>> =>
    Object.fromEntries(
      await page
        .locator(`#handlers tbody tr[data-key="${handler}"] td`)
        .evaluateAll((cells) => cells.map((cell) => [cell.getAttribute('data-column'), cell.textContent])),
    );

  function shows<T>(what: string, ask: () => Promise<T>, fits: (shown: T) => boolean): Promise<T> {
    let last: T | undefined;
    return eventually(
      what,
      async () => {
        last = await ask();
        return fits(last) ? last : undefined;
      },
      async () => `${JSON.stringify(last)}, ${complaints.join('; ')}`,
    );
  }

  const word = () => page.locator('#word').innerText();
  const text = (selector: string) => page.locator(selector).innerText();

  it('shows the numbers of the database, live', async () => {
    await shows('ok', word, (now) => now === 'OK');
    expect(await page.title()).toBe('OK · uncached');
    expect((await text('#identity')).replace(/\s+/g, ' ')).toBe(
      `host ${hostname()} process ${daemon.pid} database ${database.config.database} on ${database.config.host}:${database.config.port} root ${site.root} configuration ${site.root.replace(/cache$/, 'uncached.ini')}`,
    );
    await clear('nginx');
    const port = await shows(
      'one settling',
      () => rowOf('listen_port'),
      ({ settling }) => settling === '1',
    );
    expect(port).toMatchObject({ backlog: '0', claimed: '0', failing: '0', cleared: '1', files: '2' });
    expect((await text('#clearings li')).replace(/\s+/g, ' ')).toMatch(
      /^\d\d:\d\d:\d\d listen_port category www port nginx 2 files after \d+(\.\d)? m?s$/,
    );

    // No notification is sent, so nothing clears it.
    await client.query(
      `INSERT INTO cache_clearing_ports (category, port, date_added)
       SELECT 'www', n::text, now() - interval '5 minutes' FROM generate_series(1, 1234) n`,
    );
    await shows('critical', word, (now) => now === 'Critical');
    expect(await rowOf('listen_port')).toMatchObject({
      backlog: '1\u202f234',
      lag: expect.stringMatching(/^[56] min/),
    });
    expect(await text('#backlog')).toBe('1\u202f234');
    expect(await text('#reasons')).toMatch(/^listen_port lags 3\d\d(\.\d)? s behind$/);
    await client.query('TRUNCATE cache_clearing_ports');

    await addFailing(client, {
      handler: 'listen_port',
      key: { category: 'www', port: '..' },
      error: 'no page',
    });
    await shows(
      'its key in order',
      () => text('#failing-list'),
      (now) => now.includes('category www port ..'),
    );
    await client.query('DELETE FROM uncached.failing');
    for (const commit of ['abc', 'abd'])
      await fail({ commit_to_clear: commit }, `cannot delete commits/${commit}: EROFS`);
    // The rows are counted before they are listed. The second may be listed and not counted yet.
    await shows(
      'failing',
      () => rowOf('listen_commit'),
      ({ failing }) => failing === '2',
    );
    expect(await word()).toBe('Warning');
    expect(await text('#handlers tr[data-key=listen_commit] .error')).toMatch(
      /^2 rows failing: cannot delete commits\/ab[cd]: EROFS$/,
    );
    expect((await text('#failing-list')).replace(/\s+/g, ' ')).toMatch(
      /^cannot delete commits\/\{commit_to_clear\}: EROFS 2 rows of listen_commit, next retry in 59 min \d+ commit_to_clear abc 3 tries in \S+ m?s \d+ commit_to_clear abd 3 tries in \S+ m?s uncached --config \S+uncached\.ini failing retry \d+ \d+ copy uncached .* drop \d+ \d+ copy$/,
    );
    // The command that the page shows works.
    const command = await page.locator('#failing-list code').nth(1).innerText();
    expect(await uncached(command.split(' ').slice(1))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^2 rows dropped/),
    });
    await page.locator('#failing').waitFor({ state: 'hidden' });
    await client.query('ALTER TABLE cache_clearing_files RENAME TO gone');
    try {
      const problem = () => text('#handlers tr[data-key=listen_file_updated] .error');
      expect(await shows('its problem', problem, (now) => now !== '')).toMatch(
        /cache_clearing_files.* not exist/,
      );
      expect(await word()).toBe('Critical');
      expect(await rowOf('listen_file_updated')).toMatchObject({ backlog: '–', lag: '–' });
      expect(await rowOf('listen_port')).toMatchObject({ backlog: '0', lag: '0 s', cleared: '1' });
    } finally {
      await client.query('ALTER TABLE gone RENAME TO cache_clearing_files');
    }
    expect(complaints).toEqual([]);
  });

  it('shows what others wrote as text, and runs none of it', async () => {
    const evil = `<img src=x onerror="document.title='pwned'"><script>document.title='pwned'</script>`;
    await clear(evil.replaceAll('/', ''));
    await fail({ commit_to_clear: evil, [evil]: null }, `cannot delete ${evil}`);
    await shows(
      'failing',
      () => text('#failing-list'),
      (now) => now.includes('cannot delete'),
    );
    expect(await text('#failing-list .error')).toBe(`cannot delete ${evil}`);
    expect(await text('#failing-list .key')).toContain(`commit_to_clear ${evil}`);
    expect(await text('#clearings .key')).toContain(evil.replaceAll('/', ''));
    expect(await page.locator('#handlers tbody th').allInnerTexts()).toContain('<b onclick=x>');
    expect(await page.locator('main :is(img, script, b)').count()).toBe(0);
    expect(await page.title()).toBe('Warning · uncached');
    expect(complaints).toEqual([]);
  });

  it('outlives the daemon, and keeps the plot of what it has seen', async () => {
    await clear('nginx');
    await shows(
      'cleared',
      () => rowOf('listen_port'),
      ({ files }) => files === '2',
    );
    await shows(
      'a moment',
      () => momentsPlotted(page),
      (now) => now > 0,
    );
    const before = await momentsPlotted(page);
    await daemon.stop();
    await shows('unreachable', word, (now) => now === 'Unreachable');
    expect(await text('#clock')).toMatch(/^last seen at \d\d:\d\d:\d\d \w/);
    await start();
    await shows('back', word, (now) => now === 'OK');
    await shows(
      'started anew',
      () => rowOf('listen_port'),
      ({ files, settling }) => files === '0' && settling === '1',
    );
    await shows(
      'more moments',
      () => momentsPlotted(page),
      (now) => now > before,
    );
    // Chromium itself reports each refused connection. The page must report nothing.
    expect(complaints.filter((complaint) => !complaint.includes('net::ERR_'))).toEqual([]);
  });

  it('comes back when a proxy in between answered with an error', async () => {
    await page.route('**/events', (asked) => asked.fulfill({ status: 502 }));
    await page.reload();
    await shows('unreachable', word, (now) => now === 'Unreachable');
    await page.unroute('**/events');
    await shows('back', word, (now) => now === 'OK');
    expect(complaints.filter((complaint) => !complaint.includes('502'))).toEqual([]);
  });
});

const evilHandler = '[handler.<b onclick=x>]\nclear[] = evil/*\n';
