const error = 50;

/** Lines of a daemon's log that report an error which nothing excuses, or that are none of its own. */
export function unexpectedLines(
  lines: readonly string[],
  { excused, killed }: { excused: ReadonlySet<string>; killed: boolean },
): string[] {
  return lines.filter((line) => {
    try {
      const { level, event } = JSON.parse(line) as { level?: number; event?: string };
      return level === undefined || (level >= error && !excused.has(event ?? ''));
    } catch {
      // A kill cuts a line off, and the next one follows in the same line.
      return !(killed && line.startsWith('{'));
    }
  });
}
