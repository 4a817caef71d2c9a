import { freshportsHandlers, iniFor } from '../site.ts';
import { uncached } from '../uncached.ts';
import { database, site } from './site-and-database.ts';

/* A site and a database to explain. */

export { client, database, site } from './site-and-database.ts';

export const explain = (path: string, { handlers = freshportsHandlers, user = database.config.user } = {}) =>
  uncached([
    '--config',
    site.configure(iniFor(site, { ...database.config, user }, { handlers, settle: '10s' })),
    'explain',
    path,
  ]);

export const nginx = 'ports/www/nginx/Detail.html';
