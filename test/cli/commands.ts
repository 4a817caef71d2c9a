import { beforeEach } from 'vitest';
import { iniFor } from '../site.ts';
import { uncached } from '../uncached.ts';
import { database, site } from './site-and-database.ts';

/* A site and a database for the commands. Importing this registers its hook. */

export { client, database, site } from './site-and-database.ts';

const directories = ['ports/x/y', 'categories/x', 'daily/x', 'commits/x', 'news/x'];

beforeEach(() => {
  site.write(directories);
});

export const ini = (options: Parameters<typeof iniFor>[2] = {}) => iniFor(site, database.config, options);
export const on = (text: string, ...args: string[]) => uncached(['--config', site.configure(text), ...args]);
