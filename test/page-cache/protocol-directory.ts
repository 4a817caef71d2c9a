export type Name = string;

/** A directory with at most one running listing. Entries point to files by number. */
export interface Directory {
  readonly entries: Readonly<Record<Name, number>>;
  /**
   * POSIX: entries that exist from beginning to end are returned. Entries that appear or disappear meanwhile
   * may be returned or not.
   */
  readonly listing: { readonly stayed: readonly Name[]; readonly changed: readonly Name[] } | null;
}

/**
 * Points a name to a file, or to nothing. For a running listing, replacing an entry also counts as a change.
 */
export function link({ entries, listing }: Directory, name: Name, file: number | undefined): Directory {
  if (entries[name] === file) return { entries, listing };
  const others = Object.entries(entries).filter(([each]) => each !== name);
  const all: [Name, number][] = file === undefined ? others : [...others, [name, file]];
  return {
    entries: Object.fromEntries(all.sort(byName)),
    listing: listing && {
      stayed: listing.stayed.filter((each) => each !== name),
      changed: [...new Set([...listing.changed, name])].sort(),
    },
  };
}

export function beginListing({ entries }: Directory): Directory {
  return { entries, listing: { stayed: Object.keys(entries), changed: [] } };
}

export function endListing({ entries }: Directory): Directory {
  return { entries, listing: null };
}

/** All results that the running listing may return if it ended now. */
export function possibleListings({ listing }: Directory): Name[][] {
  if (listing === null) return [];
  let possible: Name[][] = [[...listing.stayed]];
  for (const name of listing.changed) possible = possible.flatMap((names) => [names, [...names, name]]);
  return possible;
}

function byName([a]: [Name, number], [b]: [Name, number]): number {
  return a < b ? -1 : 1;
}
