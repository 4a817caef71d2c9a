/** A path of [dirs] as fp-listen uses it: absolute, a glob, with places for values. */
export interface Path {
  /** Python globs; `valueMark` is the place of a value. */
  readonly components: readonly string[];
  /** It ended in `/`: a directory is deleted. */
  readonly directory: boolean;
}

/** No path can contain it, so it can mark the place of a value. */
const valueMark = '\0';

/**
 * Removes the quotes that Python would have kept: around the value, or around the part that came from
 * BASEDIR.
 */
export function unquote(text: string): string {
  const whole = /^(["'])(.+)\1$/s.exec(text);
  if (whole?.[2] !== undefined) return unquote(whole[2]);
  const front = /^(["'])(.+?)\1(\/.*)$/s.exec(text);
  return front ? unquote(`${front[2]}${front[3]}`) : text;
}

/**
 * Reads a path as Python formats it with `count` values (`%s`) and then looks for it. Throws an Error that
 * completes "KEY …".
 */
export function parsePath(text: string, count: number, beforeValue = ''): Path {
  if (text === '') throw new Error('is empty: give it a path, or remove the line');
  if (text.includes('\n'))
    throw new Error('goes on in the next line, since that one is indented: begin each line at the margin');
  if (text.includes(valueMark)) throw new Error('contains a NUL character');
  const formatted = count === 0 ? text.replace(/%s/g, valueMark) : format(text);
  const marks = formatted.split(valueMark).length - 1;
  if (marks !== count) throw new Error(`has ${times(marks)} where there must be ${times(count)}`);
  const whole = formatted.replaceAll(valueMark, `${beforeValue}${valueMark}`);
  if (!whole.startsWith('/')) throw new Error('must be an absolute path');
  const components = whole.split('/').filter((one) => one !== '' && one !== '.');
  if (components.includes('..')) throw new Error('must not contain ".."');
  return { components, directory: whole.endsWith('/') };
}

function times(count: number): string {
  return count === 0 ? 'no %%s' : `%%s ${count === 1 ? 'once' : `${count} times`}`;
}

function format(text: string): string {
  return text.replace(/%(.?)/gs, (_all, letter: string) => {
    if (letter === 's') return valueMark;
    if (letter === '%') return '%';
    throw new Error(`has %${letter}, which is neither %%s nor %%%%`);
  });
}

/** Whether it names exactly one path, which contains no value. */
export function isLiteral(component: string): boolean {
  return !/[\0*?[]/.test(component);
}

/**
 * The path's components as a template, each value replaced by the next of the columns. Throws an Error that
 * completes "KEY …".
 */
export function toTemplate({ components, directory }: Path, columns: readonly string[]): string {
  let next = 0;
  const template = components
    .map((component) => escapeGlob(component).replaceAll(valueMark, () => columns[next++] ?? ''))
    .join('/');
  return directory ? `${template}/` : template;
}

/** Python's wildcards keep their meaning; characters that are special only in templates are escaped. */
function escapeGlob(component: string): string {
  const token = /\[(!|(?!!))(\][^\]]*|[^\]]+)\]|([\\{}[])/gs;
  return component.replace(token, (_all, not, members, special) => {
    if (special !== undefined) return `\\${special}`;
    if (members.includes(valueMark)) throw new Error('has %%s between brackets, where no value can go');
    return `[${not}${members.replace(/[\\\]]|^\^/g, '\\$&')}]`;
  });
}
