/**
 * Snapshots, settlings and heartbeats share these; each is short. Claims, which a lock may hold up, have a
 * pool of their own.
 */
export const usualConnections = 4;

/**
 * A table that is locked, slow or huge holds up only its own handler: each handler has a connection for its
 * claim, and one more is for counting.
 */
export const claimConnections = (queues: number) => queues + 1;

/** Functions of `expand`, which may be slow, hold up nothing but clearings that ask them. */
export const dependentConnections = 2;

/** The connections that a daemon has besides those for its claims: the shared ones, and its listener. */
const besideQueues = usualConnections + 1 + claimConnections(0);

/** @param expands whether some handler has `expand` */
export const connectionsHeld = (queues: number, { expands = false } = {}) =>
  besideQueues + queues + (expands ? dependentConnections : 0);

export const connectionsHeldText = `a daemon holds up to ${besideQueues} connections and one more for each queue table`;

/**
 * `status` runs every minute, on every host. What is slow holds up one of its connections, and the other goes
 * on with the rest.
 */
export const statusConnections = 2;
