/**
 * The phases in which a fault can strike the daemon, recognised by the text of the request. The text of a
 * prepared statement is sent once for each connection, its name each time.
 */
export const phases = {
  'pool connect': /application_name\0uncached( \w+)?\0/,
  'listener connect': /application_name\0uncached[^\0]*listener/,
  LISTEN: /(?<!UN)LISTEN /,
  heartbeat: /SELECT pg_notify/,
  join: /INSERT INTO uncached\.consumer/,
  report: /uncached_seen/,
  trim: /uncached_(expire|trim)/,
  claim: /uncached_claim_.*listen_port/s,
  read: /uncached_read\0/,
  look: /uncached_look/,
  'second read': /uncached_read_again/,
  advance: /uncached_advance/,
  fail: /uncached_fail\0/,
  'keep invalid': /uncached_keep_invalid/,
  'restart retries': /uncached_restart_/,
  'settle later': /uncached_settle_later/,
  'in cohorts': /uncached_in_cohorts/,
  remove: /uncached_remove/,
} as const;

export type Phase = keyof typeof phases;
