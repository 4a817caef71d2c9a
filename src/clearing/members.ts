import type { ConsumerLog, Joined } from '../core/consumer-contract.ts';
import type { Consumer } from './consumer.ts';

/** A consumer with its row in the database. */
interface Member {
  readonly consumer: Consumer;
  readonly log: Pick<ConsumerLog, 'join'>;
  readonly section: string;
  /** The sections that it stands behind, the first one among them; these are members before it. */
  readonly inner: readonly string[];
}

/**
 * The consumers of one node, of which the first is the page files below its root: they join and leave together.
 * Each is known by the id of that root.
 */
export class Members {
  /** The id of the root; empty until it is known. */
  rootId = '';
  readonly #members: () => readonly Member[];
  readonly #forgetOthers: (how: { ofRoot: boolean }) => Promise<void>;

  /**
   * @param forgetOthers forgets the consumers of this daemon that are none of these, and, if they are of this root,
   *   those of others: what they were for is not configured any more, or another root is in the place of theirs
   */
  constructor(members: () => readonly Member[], forgetOthers: (how: { ofRoot: boolean }) => Promise<void>) {
    this.#members = members;
    this.#forgetOthers = forgetOthers;
  }

  /**
   * Undefined: another daemon has them.
   * @param wiping the content of root is unknown
   */
  async join(rootId: string, how: { wiping: boolean }): Promise<Joined['state'] | undefined> {
    this.rootId = rootId;
    const members = this.#members();
    const joined = [];
    const unknown: string[] = [];
    for (const { consumer, log, section, inner } of members) {
      // What stands behind a cache of unknown content was filled from it.
      const wiping = joined.length === 0 ? how.wiping : inner.some((one) => unknown.includes(one));
      const { missedFrom } = consumer;
      const state = await log.join({ wiping, ...(missedFrom !== undefined && { from: missedFrom }) });
      if (state === undefined) break;
      if (state.state !== 'live') unknown.push(section);
      joined.push({ consumer, ...state });
    }
    const isOurs = joined.length === members.length;
    await this.#forgetOthers({ ofRoot: isOurs });
    if (!isOurs) return undefined;
    for (const { consumer, state, ...cursors } of joined)
      consumer.follow({ ...cursors, wiping: state !== 'live' });
    return joined[0]?.state ?? 'live';
  }

  leave(): void {
    for (const { consumer } of this.#members()) consumer.leave();
  }
}
