import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** Why there is no browser to try a page in. */
export const noChromium = existsSync(executablePath)
  ? undefined
  : `${executablePath} is not there: apt-get install chromium`;

/** With a profile of its own, which goes when it is closed, and no wish to talk to anybody. */
export function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What a page says on its console, throws, or asks of others than where it is from, from now on. */
export function complaintsOf(page: Page, url: string): string[] {
  const complaints: string[] = [];
  page.on('console', (said) => complaints.push(`${said.type()}: ${said.text()}`));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (asked) => {
    if (!asked.url().startsWith(url) && !asked.url().startsWith('data:')) complaints.push(asked.url());
  });
  return complaints;
}
