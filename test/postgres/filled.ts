/**
 * A function that stands in for the producers of the queue tables. `check` reports tables that nothing fills.
 */
export const filled = `
  CREATE FUNCTION fill_queues() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO cache_clearing_ports DEFAULT VALUES;
    INSERT INTO cache_clearing_dates DEFAULT VALUES;
    INSERT INTO cache_clearing_commits DEFAULT VALUES;
    INSERT INTO cache_clearing_files DEFAULT VALUES;
  END $$`;
