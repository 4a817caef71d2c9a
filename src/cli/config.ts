import { format } from '../config/format.ts';
import { load } from '../config/load.ts';

export interface ConfigOptions {
  readonly showPassword?: boolean;
}

/** Prints the effective configuration in the native dialect, with every default written out. */
export function config(file: string, { showPassword = false }: ConfigOptions): number {
  const { configuration, notices } = load(file);
  process.stdout.write(format(configuration, { notices, showPassword }));
  return 0;
}
