/**
 * The results in the order of the items; at most so many are worked on at the same time. Rejects with the
 * first error.
 */
export async function mapLimited<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const worker = async () => {
    for (const [at, item] of left) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: most }, worker));
  return results;
}
