import { beginning } from './attach-sql.ts';
import { quoteLiteral } from './identifier.ts';

/** What is to be removed; names qualified and quoted, if nothing else is said. */
export interface Detachment {
  readonly table: string;
  readonly triggers: readonly { readonly table: string; readonly name: string }[];
  /** Queue tables that nothing else fills. */
  readonly queues: readonly string[];
  /** Rows of listen_for; as they are. */
  readonly channels: readonly { readonly channel: string; readonly handler: string }[];
  readonly listenFor: string;
}

/**
 * Two transactions, for psql: when the first has ended no entry comes any more, and the daemon takes those that are
 * there. The second drops the queue table only if it is empty. Safe to repeat.
 */
export function detachSql({ table, triggers, queues, channels, listenFor }: Detachment): string {
  const second = [
    ...beginning,
    ...queues.flatMap((queue) => [
      `DO ${quoteLiteral(untilEmpty(queue))};`,
      `DROP TABLE IF EXISTS ${queue};`,
    ]),
    ...channels.map(
      ({ channel, handler }) =>
        `DELETE FROM ${listenFor} WHERE name = ${quoteLiteral(channel)} AND script_name = ${quoteLiteral(handler)};`,
    ),
    'COMMIT;',
  ];
  return [
    `-- Detaches ${table}: its changes enqueue no more. Safe to repeat.`,
    ...beginning,
    ...triggers.map(({ table: on, name }) => `DROP TRIGGER IF EXISTS ${name} ON ${on};`),
    'COMMIT;',
    ...(queues.length + channels.length > 0 ? second : []),
    '',
  ].join('\n\n');
}

/** An entry is a change whose pages are stale: it is never dropped. */
function untilEmpty(queue: string): string {
  return `
DECLARE
  queue   regclass := to_regclass(${quoteLiteral(queue)});
  waiting boolean;
BEGIN
  IF queue IS NULL THEN
    RETURN;
  END IF;
  FOR attempt IN 1 .. 50 LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', queue) INTO waiting;
    EXIT WHEN NOT waiting;
    PERFORM pg_sleep(0.1);
  END LOOP;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', queue);
  EXECUTE format('SELECT EXISTS (SELECT FROM %s)', queue) INTO waiting;
  IF waiting THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = format('Cannot drop %s: entries wait in it, and their pages are stale', queue),
      HINT    = 'Start the daemon or run uncached drain, and run this again.';
  END IF;
END
`;
}
