import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeVarnish, sectionFor } from '../caches/purge/varnish.ts';
import { type Connection, withClient } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { launchServer } from '../postgres/launch.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { mutatedMain } from '../stress/mutate.ts';
import { main, uncached } from '../uncached.ts';
import { nginxInFront } from './nginx.ts';
import type { Options } from './options.ts';
import { daemonPart, databasePart, type Part, siteServer } from './parts.ts';

/** What visitors can ask for a page. */
export interface Layer {
  readonly name: string;
  readonly address: string;
}

export interface Stack {
  readonly connection: Connection;
  /** From the inside out. The first is the site itself, with its page files. */
  readonly layers: readonly Layer[];
  readonly parts: readonly Part[];
  daemonLog(): readonly unknown[];
  close(): Promise<void>;
}

/** Their ids begin with 1. */
export const articles = 40;

/** Page files, an nginx in front of them, and a Varnish in front of that. Only PostgreSQL runs yet. */
export async function buildStack(options: Options): Promise<Stack> {
  const server = await launchServer();
  const { config: connection } = await createDatabase(server, { template: 'template0' });
  await installSchema(connection);
  const site = makeSite();
  mkdirSync(join(site.root, 'spooling'));
  const web = await siteServer({ root: site.root, connection, settleMs: options.settleMs });
  const nginx = await nginxInFront(web.port);
  const varnish = await makeVarnish(nginx?.port ?? web.port);
  const daemon = daemonPart(
    configure(site, connection, options, { nginx, varnish: varnish.address }),
    options.mistake === 'once' ? mutatedMain('no-second-clearing') : main,
  );
  return {
    connection,
    layers: [
      { name: 'page files', address: web.address },
      ...(nginx ? [{ name: 'nginx', address: nginx.address }] : []),
      { name: 'Varnish', address: varnish.address },
    ],
    parts: [databasePart(server), web, ...(nginx ? [nginx] : []), { name: 'Varnish', ...varnish }, daemon],
    daemonLog: daemon.log,
    async close() {
      await daemon.kill();
      await varnish.remove();
      await nginx?.remove();
      await web.kill();
      await server.stop();
      site.remove();
    },
  };
}

async function installSchema(connection: Connection): Promise<void> {
  const schema = (await uncached(['schema'])).stdout;
  await withClient(connection, async (client) => {
    await client.query(schema);
    await client.query(articlesSql);
  });
}

/** The articles, with a trigger that enqueues. */
export const articlesSql = `
      CREATE TABLE article (id integer PRIMARY KEY, version integer NOT NULL DEFAULT 0);
      INSERT INTO article SELECT generate_series(1, ${articles});
      CREATE TABLE queue_article (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, article text,
        date_added timestamptz NOT NULL DEFAULT clock_timestamp());
      INSERT INTO listen_for (name, script_name) VALUES ('article_changed', 'article');
      CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO queue_article (article) VALUES (NEW.id); NOTIFY article_changed; RETURN NULL; END $$;
      CREATE TRIGGER changed AFTER UPDATE ON article FOR EACH ROW EXECUTE FUNCTION changed()`;

function configure(
  site: Site,
  connection: Connection,
  { settle, lag, mistake }: Options,
  { nginx, varnish }: { nginx: { section: string } | undefined; varnish: string },
): string {
  const more = `[daemon]
sweep = 1s
heartbeat = 1s
${nginx ? `${nginx.section}\nlag = ${lag}` : ''}
${sectionFor(varnish)}
lag = ${lag}
${nginx ? 'after = nginx.pages' : ''}`;
  const handlers = `
[handler.article]
queue = queue_article
clear[] = articles/{article}.html
url[] = ${mistake === 'unpurged' ? '/nothing/{article}' : '/articles/{article}'}
`;
  return site.configure(iniFor(site, connection, { settle, handlers, more }));
}
