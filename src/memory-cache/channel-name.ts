/**
 * A channel as the functions of sql/ name it: they fold ASCII's capitals, as `NOTIFY` does with a name that is not
 * quoted. What is heard on a channel with capitals counts for the folded one as well.
 */
export function channelOf(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => capital.toLowerCase());
}

const longestBytes = 63;

/** Why nothing can be heard on it; undefined for a usable name. */
export function channelProblem(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return 'a channel has a name';
  if (name.includes('\0')) return `${JSON.stringify(name)} contains NUL`;
  // LISTEN cuts it off, and would listen to another channel.
  if (Buffer.byteLength(name) > longestBytes) return `"${name}" is longer than ${longestBytes} bytes`;
  return undefined;
}
