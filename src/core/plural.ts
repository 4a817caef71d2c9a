/** `1 row`, `2 rows`, `1 entry`, `0 entries`. */
export function several(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
