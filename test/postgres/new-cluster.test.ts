import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { newCluster } from './new-cluster.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-new-cluster-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const files = Array.from({ length: 300 }, (_, n) => `file-${n}`);

it('servers that start at the same time in one process all get a whole cluster', async () => {
  const version = `test-${process.pid}-${Date.now()}`;
  const folders = Array.from({ length: 6 }, (_, n) => join(folder, `data-${n}`));
  const initialise = async (data: string) => {
    mkdirSync(data);
    for (const file of files) writeFileSync(join(data, file), file);
  };
  const make = (data: string) => newCluster(data, version, () => initialise(data));
  await Promise.all(folders.map(make));
  const later = join(folder, 'later');
  await newCluster(later, version, async () => expect.unreachable('it is kept by now'));
  for (const data of [...folders, later]) expect(readdirSync(data).sort()).toEqual([...files].sort());
});
