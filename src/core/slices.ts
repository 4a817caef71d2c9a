/** A list in parts of at most so many: no statement grows with it. */
export function* slices<Item>(all: readonly Item[], most: number): Generator<readonly Item[]> {
  for (let at = 0; at < all.length; at += most) yield all.slice(at, at + most);
}
