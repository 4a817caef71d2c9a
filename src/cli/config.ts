import { format } from '../config/format.ts';
import { load } from '../config/load.ts';

/** Prints the effective configuration in the native dialect, with every default written out. */
export function config(file: string): number {
  process.stdout.write(format(load(file)));
  return 0;
}
