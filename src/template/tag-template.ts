import { type ColumnTemplate, parseColumns } from './column-template.ts';
import { parseFormat } from './format.ts';

/**
 * Parses a line of `tag[]`, such as `port-{category}-{port}`: a name under which a response was cached, also
 * called surrogate key, xkey or cache tag. Throws an Error that says what is wrong with it.
 */
export function parseTag(text: string): ColumnTemplate {
  const bad = (what: string) => new Error(`the tag "${text}" ${what}`);
  if (text === '') throw bad('is empty');
  const template = parseColumns(text, formatOf, bad);
  if (!isTag(template.literals.join(''))) throw bad('has characters that no tag can have');
  return { ...template, expand: (key) => checkFilled(template.expand(key)) };
}

/** The path `/` is no text. */
function checkFilled(tag: string): string {
  if (tag === '') throw new Error('a tag is empty: no page can have this key');
  return tag;
}

/** Tags are separated by blanks or commas, and Fastly ignores others silently. */
function isTag(text: string): boolean {
  return /^[\x21-\x2b\x2d-\x7e]*$/.test(text);
}

function formatOf(name: string | undefined): (value: string) => string {
  if (name === undefined) return checkTag;
  if (name === 'strict') return (value) => checkTag(encodeURIComponent(value));
  const { split } = parseFormat(name, ', strict');
  return (value) => checkTag(split(value).join('/'));
}

function checkTag(value: string): string {
  if (isTag(value)) return value;
  throw new Error(`is ${JSON.stringify(value)}, which no tag can contain (a blank, a comma, or no ASCII)`);
}
