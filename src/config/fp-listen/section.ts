import { didYouMean } from '../../core/suggest.ts';
import type { RawFile, RawSection } from './configparser.ts';
import { place, type Report } from './conversion-report.ts';
import { interpolate, references } from './interpolate.ts';

/** A value after interpolation. */
export interface Value {
  readonly text: string;
  /** Before it. */
  readonly written: string;
  readonly line: number;
}

/** These never had any effect on the clearing of the cache. */
const forgotten = ['wwwenportscategoriesflag', 'jobwaiting', 'scriptdir'];

/** By lower-case key; undefined for one that is set but has a problem. */
export type Values = ReadonlyMap<string, Value | undefined>;

/** The values of these keys, from the section or [DEFAULT]; unknown keys of the section become notices. */
export function readSection(file: RawFile, section: string, keys: readonly string[], report: Report): Values {
  const own: RawSection['options'] = file.sections.get(section)?.options ?? new Map();
  const used = references(file, section);
  for (const [name, { line }] of own) {
    if (keys.includes(name) || used.has(name) || forgotten.includes(name)) continue;
    const names = keys.map((key) => key.toUpperCase());
    report.notices.push(
      `${place(section, name, line)} means nothing${didYouMean(name.toUpperCase(), names)}`,
    );
  }
  const values = new Map<string, Value | undefined>();
  for (const key of keys) {
    const raw = own.get(key) ?? file.defaults.get(key);
    if (!raw) continue;
    try {
      const text = interpolate(raw.text, file, section);
      values.set(key, { text, written: raw.text, line: raw.line });
    } catch (error) {
      values.set(key, undefined);
      const what =
        key === 'password' ? 'has a "%" that stands for nothing: write %%' : (error as Error).message;
      report.problems.push(`${place(section, key, raw.line)} ${what}`);
    }
  }
  return values;
}
