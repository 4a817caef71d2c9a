/**
 * The phases in which a fault can strike the daemon, recognised by the text of the request. The text of a
 * prepared statement is sent once for each connection, its name each time.
 */
export const phases = {
  'pool connect': /application_name\0uncached( \w+)?\0/,
  'listener connect': /application_name\0uncached[^\0]*listener/,
  LISTEN: /(?<!UN)LISTEN /,
  heartbeat: /pg_notify/,
  claim: /uncached_claim_.*listen_port/s,
  look: /uncached_look/,
  'take over': /uncached_take_over/,
  'read again': /SELECT .*FROM uncached\.journal\s+WHERE id >/s,
  'second read': /uncached_read/,
  'journal delete': /uncached_settle/,
} as const;

export type Phase = keyof typeof phases;
