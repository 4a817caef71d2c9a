/**
 * SQL for the greatest id that a row of the log was ever given; 0 if none was. The row may be deleted by now, or
 * not be committed yet.
 */
export const newestId = '(SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM uncached.log_id_seq)';

/**
 * SQL for where a consumer begins that knows nothing: at the newest row that is committed. A claim that is under
 * way has greater ids: a producer may see its entries in the queue table and skip its own, after the new consumer
 * has noted the open transactions. So its rows must be read (test/model/fleet, "registered at the last id given
 * out"). Where the log is empty, the others have settled what it had.
 */
export const newestRow = `
  (SELECT least(${newestId}, greatest(
     coalesce((SELECT max(id) FROM uncached.log), 0), coalesce((SELECT max(settled_to) FROM uncached.consumer), 0))))`;
