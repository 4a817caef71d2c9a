import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/**
 * A list spread into arguments overflows the stack from some 120,000 elements on: nothing that rows, keys or
 * paths fill is passed so. `{ ...object }` and `[...list]` have no such limit.
 */
const spread = /(?:\.(?:push|unshift)|Math\.(?:max|min))\([^{[;\n]*\.\.\./;

/** Lists that only the configuration fills. */
const short =
  /(?:problems|notices|pieces)\.push\(|Math\.max\((?:0, )?\.\.\.(?:hands|workers|handlers)\b|title\.length/;

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
