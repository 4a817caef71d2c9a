import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/app.ts';
import type { FailingRow } from '../../src/core/contracts.ts';
import { type HttpServer, openServer } from '../../src/http/server.ts';
import { freePort } from '../postgres/free-port.ts';
import { noChromium, openChromium } from './chromium.ts';
import { makeUpHour } from './made-up-hour.ts';

if (noChromium) console.warn(`SKIPPED: the status page is not looked at, since ${noChromium}`);

/** UNCACHED_PICTURES=FOLDER writes a picture of each, UNCACHED_PICTURES=readme that of the README. */
const folder = process.env.UNCACHED_PICTURES;
const readmePicture = 'doc/status-page.png';

const failing: FailingRow[] = ['ports/databases/postgresql17-server', 'ports/www/nginx'].map(
  (path, index) => ({
    id: 4_711 + index,
    handler: 'listen_port',
    key: { category: path.split('/')[1] ?? '', port: path.split('/')[2] ?? '' },
    error: `cannot delete ${path}/Detail.html: EROFS, read-only file system`,
    attempts: 7 + index,
    ageMs: 312_000,
    retryMs: 24_000,
  }),
);

const hours = { well: {}, critical: { failing, lagMs: 94_000 } };

describe.skipIf(noChromium).each(Object.entries(hours))(
  'a page that is %s',
  { timeout: 60_000 },
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
          server = openServer({ watched, observe, clock: systemClock });
          return server.moveTo({ host: '127.0.0.1', port });
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
      await page.goto(url);
      await page.waitForSelector('#clearings li');
      await page.waitForSelector('svg .bars');
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
      const picture = `${name}-${width}-${colorScheme}`;
      if (folder === 'readme' && picture === 'well-desktop-light') {
        await page.screenshot({ path: readmePicture, clip: { x: 0, y: 0, width: pixels, height: 1_000 } });
      } else if (folder && folder !== 'readme') {
        await page.screenshot({ path: join(folder, `${picture}.png`), fullPage: true });
      }
      await context.close();
    });
  },
);
