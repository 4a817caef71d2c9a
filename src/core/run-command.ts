interface RunHow {
  /** For its standard input, which is empty without this. */
  readonly input?: string;
  /** After which it is killed with everything that it started; without this, the time that all commands have. */
  readonly timeoutMs?: number;
}

/** Runs a program with its arguments, without a shell. Rejects with a CommandFailed. */
export type RunCommand = (command: readonly string[], how?: RunHow) => Promise<void>;

/** The message includes the beginning of the program's output. */
export class CommandFailed extends Error {
  override name = 'CommandFailed';
  /** How it ended. */
  readonly outcome: string;
  /** The last line that it wrote to its standard error. */
  readonly lastLine: string;

  constructor(message: string, { outcome, lastLine }: { outcome: string; lastLine: string }) {
    super(message);
    this.outcome = outcome;
    this.lastLine = lastLine;
  }
}
