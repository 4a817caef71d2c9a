import { marker, pageOfTemp } from '../core/hidden.ts';

/** What may stand in a path as (part of) one component. Throws an Error that completes "column x …". */
export function checkName(value: string): string {
  if (value.startsWith('.')) throw new Error(`is ${JSON.stringify(value)}, which begins with a dot`);
  return checkCharacters(value);
}

/** The same where a leading dot is no sign of mischief; what is hidden for a reason of ours stays out of reach. */
export function checkDottedName(value: string): string {
  if (value === '.' || value === '..')
    throw new Error(`has a component ${JSON.stringify(value)}, which is no name`);
  if (value === marker) throw new Error(`has a component "${marker}", which is uncached's own file`);
  if (pageOfTemp(value) !== undefined)
    throw new Error(`has a component ${JSON.stringify(value)}, which is a page being written`);
  return checkCharacters(value);
}

function checkCharacters(value: string): string {
  if (value === '') throw new Error('is empty');
  if (value.includes('/')) throw new Error(`is ${JSON.stringify(value)}, which contains "/"`);
  // But for those that stand for bytes (core/bytes.ts).
  if (/[\ud800-\udc7f\udd00-\udfff]/u.test(value)) throw new Error('contains half a surrogate pair');
  if (value.includes('\0')) throw new Error('contains a NUL character');
  return value;
}
