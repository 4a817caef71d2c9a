/**
 * The daemon's guarantees, as a value. `designed` is the protocol of doc/design.md with the corrections that
 * this model showed to be necessary. Every other value of a switch is a tempting simplification.
 */
export interface Protocol {
  /**
   * A notification sent before LISTEN is committed never arrives. Only a drain after LISTEN finds its entry.
   */
  readonly listens: 'before the first drain' | 'after the first drain';

  /** A wake during the claim must stay set after it, or the new entry is not claimed. */
  readonly lowersFlag: 'before the claim' | 'after the claim';

  /** The last two lose a claim in a crash, and a change whose producer found its key queued already. */
  readonly claim: 'moves entries to the journal' | 'deletes entries' | 'reads entries';

  /**
   * When the open transactions are noted. A transaction may skip its insert until the commit of the claim.
   */
  readonly looks: 'after the commit' | 'before the claim' | 'inside the claim' | 'never';

  /** Whether one snapshot serves every claim committed before it. */
  readonly look: 'shared by many claims' | 'for one claim';

  /** A transaction that has added and changed nothing yet has a virtual id but no transaction id. */
  readonly notes: 'virtual ids' | 'transaction ids';

  /** PREPARE TRANSACTION removes the virtual id and leaves the change uncommitted. */
  readonly prepared: 'noted in a later look' | 'noted in the same look' | 'ignored';

  /** `settle` is longer than the slowest unfenced render. This switch says when that time starts. */
  readonly settleStarts: 'at the end of the grace' | 'at the claim' | 'never';

  readonly secondClearing: boolean;

  /** A fenced writer turns a temp into a page, so temps must be cleared before pages. */
  readonly clears: 'temps, then pages' | 'pages, then temps' | 'pages alone';

  /**
   * Finding temps needs a listing of the directory, and some directories are large. The first clearing may
   * leave the temps to the second.
   */
  readonly firstClears: 'like the second' | 'pages alone';

  readonly deletesJournalRows: 'by the ids read' | 'by the key';

  /** A crash of PostgreSQL restores what the daemon has deleted, and assigns identities again. */
  readonly afterOutage: 'begins again' | 'goes on with what it remembers';

  /**
   * What is checked at the end of a drain. If anything is found, a timer is armed, and a journal row that
   * nobody works on is taken over.
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

/** fp-listen: reads the rows, clears, deletes the rows read by id, and then forgets them. */
export const predecessor: Protocol = {
  ...designed,
  claim: 'reads entries',
  looks: 'never',
  settleStarts: 'never',
  secondClearing: false,
};
