export type Name = string;

/** A directory with at most one listing of it under way. Entries point at files, by number. */
export interface Directory {
  readonly entries: Readonly<Record<Name, number>>;
  /** POSIX: what stayed from beginning to end is returned. What came or went meanwhile may be, or may not. */
  readonly listing: { readonly stayed: readonly Name[]; readonly changed: readonly Name[] } | null;
}

/**
 * Points a name at a file, or at nothing. Even replacing an entry counts as a change to a listing under way.
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

/** Everything the listing under way may return, were it to end now. */
export function possibleListings({ listing }: Directory): Name[][] {
  if (listing === null) return [];
  let possible: Name[][] = [[...listing.stayed]];
  for (const name of listing.changed) possible = possible.flatMap((names) => [names, [...names, name]]);
  return possible;
}

function byName([a]: [Name, number], [b]: [Name, number]): number {
  return a < b ? -1 : 1;
}
