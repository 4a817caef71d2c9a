/**
 * Signals that people and programs send for other purposes (logrotate's USR1, an alarm that a parent has
 * set), and what each would do: end the process, or, for SIGUSR1, open Node's debugger on 127.0.0.1:9229,
 * through which any account of the machine could run code as this one. SIGXFSZ comes when the limit of
 * `ulimit -f` is reached: the write then fails with EFBIG.
 */
const harmful = [
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGPIPE',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
  'SIGXFSZ',
] as const satisfies readonly NodeJS.Signals[];

/** Makes them do nothing from now on. Names that this system does not have are skipped. */
export function ignoreHarmfulSignals(): void {
  for (const signal of harmful) process.on(signal, () => {});
}
