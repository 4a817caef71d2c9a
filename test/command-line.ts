/** Prints what is wrong and the usage, and exits with 2, where the arguments are not right. */
export function readOptions<Options>(parse: (args: readonly string[]) => Options, usage: string): Options {
  try {
    return parse(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}\n`);
    process.exit(2);
  }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
