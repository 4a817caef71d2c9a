/** A partitioned table may have thousands, and a daemon hundreds of queues. */
const longest = 5;

export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, longest).join(', ');
  return names.length > longest ? `${shown} and ${names.length - longest} more` : shown;
}
