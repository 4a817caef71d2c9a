import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const module = resolve('dist/cli/small-heap.js');

/** How much a process grows, in MiB, that makes 500,000 objects and keeps the last 50,000 of them. */
function growth(prepare: string): number {
  const script = `
    import { keepHeapSmall } from '${module}';
    ${prepare}
    const start = process.resourceUsage().maxRSS;
    const kept = [];
    for (let made = 0; made < 500_000; made++) kept[made % 50_000] = { made, text: ('entry ' + made).padStart(100) };
    console.log((process.resourceUsage().maxRSS - start) / 1024);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

it('lets a process grow by less than a half of what it would', () => {
  expect(growth('keepHeapSmall()')).toBeLessThan(growth('') / 2);
});
