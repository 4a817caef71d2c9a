import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/**
 * A list that is spread into arguments overflows the stack from about 120,000 elements. No list of rows, keys
 * or paths may be passed that way. `{ ...object }` and `[...list]` have no such limit.
 */
const spread = /(?:\.(?:push|unshift)|Math\.(?:max|min))\([^{[;\n]*\.\.\./;

/** Lists that are filled only from the configuration. */
const short =
  /(?:problems|notices|pieces)\.push\(|Math\.max\((?:0, )?\.\.\.(?:hands|workers|handlers|this\.all)\b|title\.length/;

it('spreads no list of unbounded length into arguments', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const found = files.flatMap((file) =>
    readFileSync(join('src', file), 'utf8')
      .split('\n')
      .flatMap((line, at) =>
        spread.test(line) && !short.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [],
      ),
  );
  expect(found).toEqual([]);
});
