import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** A limit for what never comes: a busy machine may need long for a page. */
export const patienceMs = 100_000;

const executablePath = '/usr/bin/chromium';

/** The reason when there is no browser to test a page in. */
export const noChromium = existsSync(executablePath)
  ? undefined
  : `${executablePath} is not there: apt-get install chromium`;

/** Uses a profile of its own, which is deleted when it closes. All background network traffic is off. */
export function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    timeout: patienceMs,
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

/** From now on collects the page's console output, its exceptions, and its requests to other origins. */
export function complaintsOf(page: Page, url: string): string[] {
  const complaints: string[] = [];
  page.on('console', (said) => complaints.push(`${said.type()}: ${said.text()}`));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (asked) => {
    if (!asked.url().startsWith(url) && !asked.url().startsWith('data:')) complaints.push(asked.url());
  });
  return complaints;
}
