import { keySize } from '../core/value-size.ts';

/**
 * The key of a row of the log, as SQL. A claim writes no large key (key-text.ts), but somebody else may have. Such a
 * row gets its size as its key, which can name no page, and fails alone. A stored key can be a 255th of its
 * size; one that is large even so is not read at all.
 */
export const logKey = `
  CASE WHEN pg_column_size(key) <= 256 THEN key
       WHEN pg_column_size(key) > 65536 OR octet_length(key::text) > 262144
       THEN jsonb_build_object('${keySize}', pg_column_size(key) || ' bytes')
       ELSE key END`;

/** The same for people: only as much of each value as they want to read. */
export const shownKey = `
  CASE WHEN pg_column_size(key) <= 256 AND octet_length(key::text) <= 1000 THEN key
       ELSE (SELECT jsonb_object_agg(member, CASE WHEN length(value) > 200 THEN left(value, 200) || '... (' || length(value) || ' characters)' ELSE value END)
             FROM jsonb_each_text(${logKey}) AS members (member, value)) END`;

/** The whole error was logged when it happened. */
export const shownError = 'left(last_error, 1000)';
