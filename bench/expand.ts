import { startDaemon } from './daemon.ts';
import type { Options } from './options.ts';
import { writePages } from './pages.ts';
import { interleaved } from './statistics.ts';
import { emptyTables, tidy, type World } from './world.ts';

type Name = 'one key' | 'as many keys';

/** Milliseconds from the notification until all pages are gone. */
export type Expansion = Partial<Record<Name, number[]>>;

const pages = 2_000;

const handlers = `
[handler.tags]
queue = cache_clearing_tags
expand = public.articles_of_tag(tag)
clear[] = articles/{slug}/*
[handler.articles]
queue = cache_clearing_articles
clear[] = articles/{slug}/*
`;

/** One key with 2,000 dependents, compared with 2,000 keys of a queue table: the same pages of 4 KiB. */
export async function measureExpand(world: World, { rounds, say }: Options): Promise<Expansion> {
  await makeTables(world);
  try {
    return await interleaved<number, Name>(
      rounds,
      {
        'one key': () =>
          clear(world, "INSERT INTO cache_clearing_tags (tag) VALUES ('spring')", 'tag_updated'),
        'as many keys': () =>
          clear(
            world,
            "INSERT INTO cache_clearing_articles (slug) SELECT slug FROM tagged WHERE tag = 'spring'",
            'article_updated',
          ),
      },
      say,
    );
  } finally {
    await dropTables(world);
  }
}

async function clear(world: World, enqueue: string, channel: string): Promise<number> {
  await emptyTables(world);
  const paths = Array.from({ length: pages }, (_, nth) => `articles/article-${nth}/index.html`);
  const site = writePages(world.memory, paths, 4_096);
  const daemon = await startDaemon(world, site, { handlers });
  try {
    await world.client.query(enqueue);
    await tidy(world);
    const gone = site.gone();
    const started = performance.now();
    await world.client.query(`NOTIFY ${channel}`);
    return (await gone) - started;
  } finally {
    await daemon.stop();
    site.remove();
  }
}

async function makeTables({ client }: World): Promise<void> {
  await client.query(`
    CREATE TABLE tagged (tag text, slug text, PRIMARY KEY (tag, slug));
    INSERT INTO tagged SELECT 'spring', 'article-' || nth FROM generate_series(0, ${pages - 1}) AS nth;
    INSERT INTO tagged SELECT 'tag-' || nth % 100, 'article-' || nth FROM generate_series(0, 20000) AS nth;
    CREATE FUNCTION articles_of_tag(tag text) RETURNS TABLE (slug text) LANGUAGE sql STABLE SET search_path = public, pg_temp
    AS $$ SELECT t.slug FROM tagged AS t WHERE t.tag = $1 $$;
    CREATE TABLE cache_clearing_tags (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tag text, xid xid8 NOT NULL DEFAULT pg_current_xact_id());
    CREATE TABLE cache_clearing_articles (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text, xid xid8 NOT NULL DEFAULT pg_current_xact_id());
    INSERT INTO listen_for (name, script_name) VALUES ('tag_updated', 'tags'), ('article_updated', 'articles')`);
}

async function dropTables({ client }: World): Promise<void> {
  await client.query(`
    DELETE FROM listen_for WHERE script_name IN ('tags', 'articles');
    DROP TABLE cache_clearing_tags, cache_clearing_articles, tagged;
    DROP FUNCTION articles_of_tag(text)`);
}
