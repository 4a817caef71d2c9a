import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FailingRow } from '../../src/core/consumer-contract.ts';
import type { DaemonIdentity } from '../../src/core/daemon-status.ts';
import { systemClock } from '../../src/daemon/system-clock.ts';
import { type HttpServer, openServer } from '../../src/http/server.ts';
import { freePort } from '../postgres/free-port.ts';
import { complaintsOf, noChromium, openChromium, patienceMs } from './chromium.ts';
import { makeUpHour, noRight } from './made-up-hour.ts';

if (noChromium) console.warn(`SKIPPED: the status page is not looked at, since ${noChromium}`);

/** UNCACHED_PICTURES=FOLDER writes a picture of each view, UNCACHED_PICTURES=readme that of the README. */
const folder = process.env.UNCACHED_PICTURES;
const readmePicture = 'doc/status-page.png';

const failing: FailingRow[] = ['articles/news/a-new-bridge', 'articles/travel/night-trains'].map(
  (path, index) => ({
    id: 4_711 + index,
    consumer: '7c1d5e09ab34f682',
    handler: 'articles',
    key: { section: path.split('/')[1] ?? '', slug: path.split('/')[2] ?? '' },
    error: `cannot delete ${path}.html: EROFS, read-only file system`,
    attempts: 7 + index,
    ageMs: 312_000,
    retryMs: 24_000,
    invalid: false,
  }),
);

const identity: DaemonIdentity = {
  host: 'web1.example.org',
  pid: 4711,
  configurationFile: '/usr/local/etc/uncached.ini',
  root: '/var/cache/site',
  database: 'site on db.example.org:5432',
};

const hours = {
  well: {},
  unwell: { failing, lagMs: 94_000, unwell: true },
};

/** Checks what the made-up hour ends with. */
async function tellsOfIt(page: Page): Promise<void> {
  const texts = (selector: string) => page.locator(selector).allInnerTexts();
  expect(await texts('#reasons .critical')).toHaveLength(5);
  expect((await texts('#reasons li')).slice(5)).toEqual([
    expect.stringMatching(/^the new configuration has problems/),
    expect.stringMatching(/^articles: 2 rows failing/),
    expect.stringMatching(/^the log has 2 rows of polls/),
    expect.stringMatching(/^files on web2.* is cleared by no daemon since 94 s/),
    expect.stringMatching(/^files on web3.* has expired.*: uncached consumers forget 90ab12cd34ef5678$/),
  ]);
  const cells = (node: string) => page.locator('#consumers tbody tr', { hasText: node }).allInnerTexts();
  expect(await cells('web1')).toEqual([expect.stringMatching(/live\s+0\s+–\s+4\s+2\s+3 s ago\s+0\.1\.0$/)]);
  expect(await cells('web2')).toEqual([expect.stringMatching(/live\s+41\D012\s+94 s\s+3\s+0\s+94 s ago/)]);
  expect(await cells('purge varnish (http://127.0.0.1:6081)')).toEqual([
    expect.stringMatching(/down since 2026-11-21T00:00:00Z: does not answer\s+down\s+0\s/),
  ]);
  expect(await cells('web3')).toEqual([expect.stringMatching(/expired\s+0\s/)]);
  expect(await texts('#backlog, #lag, #failing-rows')).toEqual(['–', '–', '2']);
  const row = async (handler: string) => {
    const all = page.locator(`#handlers tr[data-key="${handler}"]`);
    const cells = ['.who', '.error', '[data-column=backlog]', '[data-column=lag]'];
    return Promise.all(cells.map((selector) => all.locator(selector).innerText()));
  };
  expect(await row('tags')).toEqual(['tags', noRight, '–', '–']);
  expect(await row('lists')).toEqual(['lists', '', '7', '–']);
  expect(await row('feeds')).toEqual(['feeds', '', '0', '0 s']);
  expect(await row('polls')).toEqual(['polls (not configured)', '', '0', '0 s']);
  const [name, problem] = await row('archive');
  expect(`${name}: ${problem}`).toMatch(
    /^\w+ \(disabled\): .* is disabled, and 12 entries wait for it: set /,
  );
  // A batch that cleared nothing is not listed.
  const [first, second] = await texts('#clearings li');
  expect(first).toMatch(/1 file, 2 failed/);
  expect(second).not.toContain('failed');
  expect(await page.locator('#plot-backlog svg').getAttribute('aria-label')).toMatch(/could not be counted$/);
  expect(await page.locator('svg .limit-label').allTextContents()).toEqual(['5 s', '50 s']);
}

/** Texts that overflow their elements. */
const cutOff = `[...document.querySelectorAll('li, td, th, dd, dt, h1, h2, figcaption')]
  .filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline')
  .map((element) => element.className + element.textContent.slice(0, 60))`;

const focused = `document.activeElement.getAttribute('aria-label') ?? document.activeElement.closest('label')?.firstChild.textContent ?? document.activeElement.innerText`;

describe.skipIf(noChromium).each(Object.entries(hours))(
  'a page that is %s',
  { timeout: 300_000 },
  (name, hour) => {
    let browser: Browser;
    let server: HttpServer;
    let url: string;
    beforeAll(async () => {
      browser = await openChromium();
      const port = await freePort();
      const served = new Promise<void>((resolve) => {
        const observe = () => resolve();
        makeUpHour(hour).then((watched) => {
          watched.identify(() => identity);
          server = openServer({ watched, observe, clock: systemClock });
          return server.listenAt({ host: '127.0.0.1', port });
        });
      });
      url = `http://127.0.0.1:${port}/`;
      await served;
    });
    afterAll(async () => {
      await browser.close();
      await server.close();
    });

    it.each([
      ['desktop', 'light', 1_200],
      ['desktop', 'dark', 1_200],
      ['telephone', 'light', 390],
      ['telephone', 'dark', 390],
      ['narrow', 'light', 320],
    ] as const)('fits a %s, %s', async (width, colorScheme, pixels) => {
      const context = await browser.newContext({
        colorScheme,
        viewport: { width: pixels, height: 1_000 },
        deviceScaleFactor: width === 'desktop' ? 1.5 : 2,
        timezoneId: 'UTC',
      });
      const page = await context.newPage();
      page.setDefaultTimeout(patienceMs);
      const complaints = complaintsOf(page, url);
      await page.goto(url);
      await page.waitForSelector('#clearings li');
      await page.waitForSelector('svg .bars');
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
      expect(await page.evaluate(cutOff)).toEqual([]);
      expect(complaints).toEqual([]);
      if (name === 'unwell') await tellsOfIt(page);
      else expect(await page.locator('#consumers').isVisible()).toBe(false);
      const picture = `${name}-${width}-${colorScheme}`;
      if (folder === 'readme' && picture === 'well-desktop-light') {
        await page.screenshot({ path: readmePicture, clip: { x: 0, y: 0, width: pixels, height: 1_000 } });
      } else if (folder && folder !== 'readme') {
        await page.screenshot({ path: join(folder, `${picture}.png`), fullPage: true });
      }
      await context.close();
    });

    it.skipIf(name !== 'well')('can be used with the keyboard alone', async () => {
      const page = await browser.newPage();
      page.setDefaultTimeout(patienceMs);
      await page.goto(url);
      await page.waitForSelector('#clearings li');
      const sum = (plot: string) => page.locator(`#plot-${plot} output`).innerText();
      const [backlog, latency] = [await sum('backlog'), await sum('latency')];
      const reached: string[] = [];
      for (let n = 0; n < 11; n++) {
        await page.keyboard.press('Tab');
        reached.push(await page.evaluate(focused));
        if (n > 0) continue;
        // The import was one of articles. The second handler is chosen by its place: letters of a name count
        // together only while they come quickly.
        for (let down = 0; down < 2; down++) await page.keyboard.press('ArrowDown');
        expect(await page.locator('#plotted select').inputValue()).toBe('tags');
        expect(await sum('backlog')).toBe('peak 0');
        expect(await sum('latency')).not.toBe(latency);
        await page.keyboard.press('Home');
        expect(await sum('backlog')).toBe(backlog);
      }
      expect(reached).toEqual([
        'Plots of ',
        expect.stringMatching(/^Backlog: peak \d/),
        expect.stringMatching(/^From commit to cleared: slowest \d/),
        'operating',
        'usage',
        'configuration',
        'metrics and problems',
        'metrics',
        'status.json',
        'readyz',
        'healthz',
      ]);
      await page.keyboard.press('Enter');
      await page.waitForURL(`${url}healthz`);
      await page.close();
    });
  },
);
