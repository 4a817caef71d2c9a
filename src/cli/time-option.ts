import { duration } from '../config/values.ts';
import { UsageError } from '../core/errors.ts';

/** The milliseconds of an option such as `--timeout 10m`. Throws a UsageError. */
export function timeOption(option: string, value: string): number {
  try {
    return duration(0)(value);
  } catch (error) {
    throw new UsageError([`${option} ${value}: ${(error as Error).message}`]);
  }
}
