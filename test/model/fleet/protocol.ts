/**
 * The protocol of the log and its consumers, as a value. `designed` is the protocol, with the corrections that
 * this model showed to be necessary. Every other value of a switch is a tempting simplification.
 */
export interface Protocol {
  /** Ids are given out at the insert. Side by side, a smaller id may be committed after a larger one. */
  readonly appends: 'one after the other' | 'side by side';

  /**
   * When the daemon that claimed takes its rows from the answer and reads nothing. A claim's snapshot is older
   * than its turn to append, so it does not show rows that others appended while it waited.
   */
  readonly feeds: 'if the id is the next' | 'if its snapshot shows no row between' | 'always';

  /** Whom a claim notifies. Its snapshot does not show a node that registers while it runs. */
  readonly notifies: 'every node' | 'nodes in its snapshot';

  /** When the open transactions are noted. A transaction may skip its insert until the claim's commit. */
  readonly looks: 'after the read' | 'inside the claim' | 'never';

  /** A transaction that has added and changed nothing yet has a virtual id but no transaction id. */
  readonly notes: 'virtual ids' | 'transaction ids';

  /** PREPARE TRANSACTION removes the virtual id and leaves the change uncommitted. */
  readonly prepared: 'noted in a later look' | 'noted in the same look' | 'ignored';

  /** `settle` is longer than the slowest unfenced render. This switch says when that time starts. */
  readonly settleStarts: 'at the end of the grace' | 'at the look' | 'never';

  /** The first clearing is for speed. Only the second is for ever. */
  readonly firstClearing: boolean;
  readonly secondClearing: boolean;

  /** What the second clearing clears: what the log has of a range of ids, or what the daemon remembers. */
  readonly range: 'to the noted id' | 'to the newest id' | 'what was read';

  readonly advances: 'after the second clearing' | 'before the second clearing';

  readonly trims: 'to the slowest' | 'to the fastest';

  /**
   * A row that was trimmed is missed, and only its own state tells a consumer that it has expired. In the same
   * snapshot it does so at once.
   */
  readonly reads: 'state and log in one snapshot' | 'state first, log later' | 'state at the start only';

  /** What a consumer does that is new or has expired. */
  readonly returns: 'registers, wipes' | 'wipes, registers' | 'registers';

  /**
   * A log may have been trimmed to nothing, and an outer cache waits for what the others have settled. The last
   * id given out may be of a row that is not committed yet, and that the wipe comes too early for.
   */
  readonly registers: 'at the newest row or settled_to' | 'at the newest row' | 'at the last id given out';

  /**
   * The wipe is a state of the consumer, or a row of the log: whoever has cleared that row twice has wiped
   * everything, and where it stands in the log says which rows need not be read.
   */
  readonly wipe: 'a state' | 'a row of the log';

  readonly live: 'after the second wipe' | 'after the first wipe' | 'at once';

  /** A daemon that hung may be about to call live what has expired, and was registered again, meanwhile. */
  readonly callsLive: 'its own registration' | 'what has not expired' | 'whatever is there';

  /** What an outer cache waits for before its second clearing. `lag` outlasts what the inner one had served. */
  readonly outer: 'the inner cache and lag' | 'the inner cache' | 'nobody';

  /** Without one, only the inner caches wait for transactions, if there are any. */
  readonly outerGrace: boolean;

  /** A cache that is being wiped has no row to clear, and is stale all the same. */
  readonly wiping: 'is not settled' | 'is settled';

  /** While it was away, an inner cache served what an outer one still has. */
  readonly innerReturns: 'outer wipes after it' | 'outer goes on';

  /**
   * A row that could not be cleared lets the cursor go on. When a retry succeeds, an outer cache may have taken
   * the old page meanwhile. (How such a row settles for itself is left out.)
   */
  readonly retries: 'go through the log' | 'settle for themselves';

  /** A crash of PostgreSQL undoes changes that were not on disk, and its ids are used again. */
  readonly afterOutage: 'begins at settled_to' | 'begins at its cursor' | 'goes on with its cohorts';
}

export const designed: Protocol = {
  appends: 'one after the other',
  feeds: 'if the id is the next',
  notifies: 'every node',
  looks: 'after the read',
  notes: 'virtual ids',
  prepared: 'noted in a later look',
  settleStarts: 'at the end of the grace',
  firstClearing: true,
  secondClearing: true,
  range: 'to the noted id',
  advances: 'after the second clearing',
  trims: 'to the slowest',
  reads: 'state and log in one snapshot',
  returns: 'registers, wipes',
  registers: 'at the newest row or settled_to',
  wipe: 'a state',
  live: 'after the second wipe',
  callsLive: 'its own registration',
  outer: 'the inner cache and lag',
  outerGrace: true,
  wiping: 'is not settled',
  innerReturns: 'outer wipes after it',
  retries: 'go through the log',
  afterOutage: 'begins at settled_to',
};
