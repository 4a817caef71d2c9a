export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints `words` with the time of day, and below it how many of the pages are in which directory. */
export function sayPages(words: string, pages: readonly string[]): void {
  say(`${new Date().toTimeString().slice(0, 8)}  ${words}`);
  const counts = new Map<string, number>();
  for (const page of pages) {
    const directory = page.replace(/\/[^/]*$/, '');
    counts.set(directory, (counts.get(directory) ?? 0) + 1);
  }
  for (const [directory, count] of counts) say(`            ${String(count).padStart(3)} in ${directory}/`);
}
