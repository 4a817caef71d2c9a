import { installSteps, type NamedStep, triedIn } from './install.ts';

/** Follows what doc/operating.md says of PgBouncer, where other databases are pooled by transaction. */
export function pgbouncerSteps(document: string): NamedStep[] {
  const steps = installSteps(document);
  const step = (name: string, text: string) => steps.push({ name, language: 'sh', text });
  const entry = /^```\n\[databases\]\n([^`]*)^```$/m.exec(document)?.[1] ?? '';
  const database = /^```\n(\[database\]\n[^`]*)^```$/m.exec(document)?.[1] ?? '';

  for (const text of triedIn(document, 'pgbouncer.test.ts')) step('password', text);
  step(
    'pgbouncer',
    `cat > /run/entry <<'END'
${entry}END
     sed -i '/^\\[databases\\]/r /run/entry' /etc/pgbouncer/pgbouncer.ini
     echo 'pool_mode = transaction' >> /etc/pgbouncer/pgbouncer.ini
     su postgres -c 'pgbouncer -q -d /etc/pgbouncer/pgbouncer.ini'`,
  );
  step(
    'configuration',
    `cat > /run/database <<'END'
${database}END
     sed -i -e '/^\\[database\\]/,/^$/d' /etc/uncached.ini
     cat /run/database >> /etc/uncached.ini
     chgrp uncached /etc/uncached.ini; chmod 640 /etc/uncached.ini`,
  );
  step('check', 'runuser -u uncached -- uncached check');
  step('daemon', 'start_daemon || { cat /run/uncached.log; exit 1; }');
  // Three times what a daemon with four queue tables holds.
  step(
    'room for 30 connections',
    `connections() { ask "SELECT count(*) FROM pg_stat_activity WHERE usename = 'uncached'"; }
     for _ in $(seq $((30 - $(connections)))); do
       PGPASSWORD=SECRET "$bin/psql" -h /run/postgresql -p 6432 -U uncached -d site_uncached -c 'SELECT pg_sleep(600)' &
     done
     until_true 20 eval '[ "$(connections)" -ge 30 ]' || { connections; exit 1; }`,
  );
  step(
    'a change is cleared',
    `ask "INSERT INTO articles VALUES ('news', 'hello', 'old')"
     render hello
     ask "UPDATE articles SET body = 'new'"
     until_true 20 not test -e $articles/news/hello.html`,
  );
  return steps;
}
