import { installSteps, type NamedStep, triedIn } from './install.ts';

/**
 * Follows the part "Restore a database" of doc/operating.md with a real dump and a real point-in-time recovery.
 * A step fails when a page shows what the restored database does not say. The functions are those of site.sh.
 */
export function restoreSteps(document: string): NamedStep[] {
  const [restore = '', empty = ''] = triedIn(document, 'restore.test.ts');
  const dump = /^`(pg_dump .*)`/m.exec(document)?.[1] ?? '';
  const said = /When its log says `(.*)`/.exec(document)?.[1] ?? '';

  const steps = installSteps(document);
  const step = (name: string, text: string) => steps.push({ name, language: 'sh', text });

  /** Changes the site after the backup, restores it by `how`, and follows the document to its end. */
  function restored(what: string, how: string): void {
    // The page "kept" shows a later text than the backup has, and "late" an article that it does not have.
    step(
      `${what}: change`,
      `change kept later
       ask "INSERT INTO articles VALUES ('news', 'late', 'late')"
       until_true 20 settled
       render late`,
    );
    step(`${what}: stop`, 'stop_daemon');
    step(`${what}: restore`, `cd /var/lib/postgresql\n${how}`);
    step(`${what}: pages are stale now`, 'no_stale_page && exit 1 || exit 0');
    step(`${what}: empty`, empty);
    step(`${what}: start`, `start_daemon; until_true 10 grep -q '${said}' /run/uncached.log`);
    step(`${what}: no page is stale`, 'no_stale_page || { cat /run/uncached.log; exit 1; }');
    step(`${what}: the site goes on`, 'until_true 20 settled; render kept');
  }

  step(
    'daemon',
    `start_daemon
     ask "INSERT INTO articles VALUES ('news', 'kept', 'old')"
     until_true 20 settled
     render kept`,
  );
  step(
    'backup',
    `cd /var/lib/postgresql
     su postgres -c "${dump} -Fc -d site -f site.dump"
     su postgres -c "$bin/pg_basebackup -c fast -D copy"
     ask "SELECT pg_create_restore_point('then')"`,
  );
  restored(
    'dump',
    `ask 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
     su postgres -c 'dropdb site; dropuser uncached'
${restore}`,
  );
  restored(
    'point-in-time recovery',
    `stop_server; mv data lost; mv copy data; touch data/recovery.signal
     cat >> data/postgresql.auto.conf <<'CONF'
restore_command = 'cp /var/lib/postgresql/wal/%f %p'
recovery_target_name = 'then'
recovery_target_action = 'promote'
CONF
     start_server; until_true 20 eval '[ "$(ask "SELECT pg_is_in_recovery()")" = f ]'`,
  );
  step('a change is cleared', 'change kept new');
  step(
    'all is well',
    'runuser -u uncached -- uncached check; until_true 20 runuser -u uncached -- uncached status',
  );
  return steps;
}
