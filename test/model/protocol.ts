/**
 * What the daemon promises to do, as a value. `designed` is the protocol of DESIGN.md with the repairs that
 * this model forced upon it; every other value of a switch is a simplification that somebody would like to
 * make.
 */
export interface Protocol {
  /**
   * A notification sent before LISTEN is committed never comes: only a drain after LISTEN finds its entry.
   */
  readonly listens: 'before the first drain' | 'after the first drain';

  /** A wake during the claim must outlive it, or the entry it speaks of sleeps. */
  readonly lowersFlag: 'before the claim' | 'after the claim';

  /** The last two lose a claim in a crash, and a change whose producer found its key queued already. */
  readonly claim: 'moves entries to the journal' | 'deletes entries' | 'reads entries';

  /**
   * When the open transactions are noted. A transaction may skip its insert until the very commit of the
   * claim.
   */
  readonly looks: 'after the commit' | 'before the claim' | 'inside the claim' | 'never';

  /** Whether one look serves every claim committed before it. */
  readonly look: 'shared by many claims' | 'for one claim';

  /** A transaction that added nothing and changed nothing yet has a virtual id, but no transaction id. */
  readonly notes: 'virtual ids' | 'transaction ids';

  /** PREPARE TRANSACTION takes the virtual id away and leaves the change uncommitted. */
  readonly prepared: 'noted in a later look' | 'noted in the same look' | 'ignored';

  /** `settle` is longer than the slowest render that no fence stops; this says longer counted from when. */
  readonly settleStarts: 'at the end of the grace' | 'at the claim' | 'never';

  readonly secondClearing: boolean;

  /** A fenced writer turns a temp into a page: what a page was before must be looked for before it. */
  readonly clears: 'temps, then pages' | 'pages, then temps' | 'pages alone';

  /**
   * To find temps is to list the directory, and some are large: the first clearing may leave them to the
   * second.
   */
  readonly firstClears: 'like the second' | 'pages alone';

  readonly deletesJournalRows: 'by the ids read' | 'by the key';

  /** A crash of PostgreSQL brings back what the daemon has deleted, and gives out identities again. */
  readonly afterOutage: 'begins again' | 'goes on with what it remembers';

  /**
   * The question at the end of a drain; a yes arms a timer, and a journal row nobody works on is taken up.
   */
  readonly asksFor: 'entries and journal rows' | 'entries' | 'nothing';
}

export const designed: Protocol = {
  listens: 'before the first drain',
  lowersFlag: 'before the claim',
  claim: 'moves entries to the journal',
  looks: 'after the commit',
  look: 'shared by many claims',
  notes: 'virtual ids',
  prepared: 'noted in a later look',
  settleStarts: 'at the end of the grace',
  secondClearing: true,
  clears: 'temps, then pages',
  firstClears: 'like the second',
  deletesJournalRows: 'by the ids read',
  afterOutage: 'begins again',
  asksFor: 'entries and journal rows',
};

/** fp-listen: reads the rows, clears, deletes the rows read by id, and thinks no more of them. */
export const predecessor: Protocol = {
  ...designed,
  claim: 'reads entries',
  looks: 'never',
  settleStarts: 'never',
  secondClearing: false,
};
