import { format } from '../config/format-configuration.ts';
import { load } from '../config/load.ts';
import { print } from './output.ts';

export interface ConfigOptions {
  readonly showPassword?: boolean;
}

/** Prints the effective configuration in the native dialect, with every default written out. */
export function config(file: string, { showPassword = false }: ConfigOptions): number {
  const { configuration, notices, origins } = load(file);
  print(format(configuration, { notices, origins, showPassword }));
  return 0;
}
