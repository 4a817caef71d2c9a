import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { alertsOn, hasPromtool as promtool } from './alerts.ts';

const work = mkdtempSync(join(tmpdir(), 'uncached-etc-'));
afterAll(() => rmSync(work, { recursive: true }));

/** Tests are skipped with a message where the program is missing. */
function has(program: string, debianPackage: string): boolean {
  const found = spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${program}`]).status === 0;
  if (!found) console.warn(`SKIPPED: there is no ${program}: apt-get install ${debianPackage}`);
  return found;
}

const rules = readFileSync('etc/prometheus-rules.yml', 'utf8');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { x: number; y: number; w: number; h: number };
  readonly targets: readonly { expr: string }[];
  readonly fieldConfig: { defaults: { thresholds?: { steps: readonly { value: number | null }[] } } };
}

const dashboard = JSON.parse(readFileSync('etc/grafana-dashboard.json', 'utf8')) as { panels: Panel[] };
const panelExpressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const ruleExpressions = [...rules.matchAll(/^ +expr: (.+)$/gm)].map(([, expr = '']) => expr);

describe('etc/prometheus-rules.yml', () => {
  it.skipIf(!promtool)('loads', () => {
    expect(
      execFileSync('promtool', ['check', 'rules', 'etc/prometheus-rules.yml'], { encoding: 'utf8' }),
    ).toContain('SUCCESS: 4 rules found');
  });

  it.skipIf(!promtool)('raises each alert when it should, and not sooner', () => {
    const { status, stdout, stderr } = spawnSync(
      'promtool',
      ['test', 'rules', 'test/etc/prometheus-rules.yml'],
      { encoding: 'utf8' },
    );
    expect(status, stdout + stderr).toBe(0);
  });

  it('has no alert that is not tried', () => {
    const tried = readFileSync('test/etc/prometheus-rules.yml', 'utf8');
    for (const [, name] of rules.matchAll(/alert: (\w+)/g))
      expect(tried, name).toMatch(new RegExp(`alertname: ${name}\\n +exp_alerts:`));
  });

  it.skipIf(!promtool)('go by what the daemon says, and not by the numbers', () => {
    const numbers = 'uncached_lag_seconds{handler="news"} 1e+03\nuncached_failing_rows{handler="news"} 7\n';
    expect(alertsOn(`uncached_health 0\n${numbers}`)).toEqual([]);
    expect(alertsOn(undefined)).toEqual([{ name: 'UncachedGone', severity: 'critical' }]);
    expect(alertsOn('uncached_health 2\nuncached_problem{kind="lag",handler="a \\"b\\", {c}"} 2\n')).toEqual([
      { name: 'UncachedCritical', severity: 'critical', kind: 'lag', handler: 'a "b", {c}' },
    ]);
  });

  it.skipIf(!promtool)('and the dashboard: every expression is PromQL', () => {
    const file = join(work, 'dashboard.yml');
    const group = {
      name: 'dashboard',
      rules: panelExpressions.map((expr) => ({
        record: 'panel',
        expr: expr.replaceAll('$__rate_interval', '1m'),
      })),
    };
    writeFileSync(file, JSON.stringify({ groups: [group] }));
    const { stdout, stderr } = spawnSync('promtool', ['check', 'rules', '--lint=none', file], {
      encoding: 'utf8',
    });
    expect(stdout, stderr).toContain(`SUCCESS: ${panelExpressions.length} rules found`);
  });
});

describe('metrics', () => {
  const known = readFileSync('doc/metrics.md', 'utf8');

  it.each([...ruleExpressions, ...panelExpressions])('of %s are exported', (expr) => {
    const names = [...expr.matchAll(/\b(?:uncached|process)_\w+/g)].map(([name]) =>
      name.replace(/_(bucket|sum|count)$/, ''),
    );
    for (const name of names) expect(known).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'));
    expect(names.length > 0 || /\bup\{/.test(expr)).toBe(true);
  });
});

describe('etc/grafana-dashboard.json', () => {
  it('has panels that neither share an id nor overlap', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const places = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_one, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    expect(new Set(places).size).toBe(places.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  it('has no limits of its own, which would contradict the daemon one day', () => {
    const steps = dashboard.panels.flatMap(({ fieldConfig }) => fieldConfig.defaults.thresholds?.steps ?? []);
    expect(steps.filter(({ value }) => value !== null)).toEqual([]);
  });

  it.skipIf(!promtool)('shows who is gone as that, and no number for what is not known', () => {
    const expr = (title: string) =>
      dashboard.panels.find((panel) => panel.title === title)?.targets[0]?.expr.replaceAll('$instance', '.*');
    const tests = [
      {
        interval: '10s',
        input_series: [
          'up{instance="a"} 1',
          'up{instance="b"} 1',
          'up{instance="gone"} 0',
          'uncached_health{instance="a"} 0',
          'uncached_health{instance="b"} 1',
          'uncached_claimed_rows{instance="a",handler="news"} 0',
          'uncached_lag_seconds{instance="a",handler="news"} 7',
          'uncached_claimed_rows{instance="b",handler="news"} 0',
          'uncached_lag_seconds{instance="b",handler="news"} 0',
          'uncached_claimed_rows{instance="b",handler="no_time"} 0',
        ].map((line) => {
          const [series = '', value] = line.split(' ');
          return { series: series.replace('{', '{job="uncached",'), values: `${value}x9` };
        }),
        promql_expr_test: [
          {
            expr: expr('Health'),
            eval_time: '1m',
            exp_samples: [
              { labels: 'uncached_health{job="uncached",instance="a"}', value: 0 },
              { labels: 'uncached_health{job="uncached",instance="b"}', value: 1 },
              { labels: '{job="uncached",instance="gone"}', value: 3 },
            ],
          },
          { expr: expr('Lag'), eval_time: '1m', exp_samples: [{ labels: '{instance="a"}', value: 7 }] },
        ],
      },
    ];
    const file = join(work, 'panels.yml');
    writeFileSync(file, JSON.stringify({ tests }));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  });

  it('shows everything that is alarmed on', () => {
    const names = (texts: readonly string[]) => texts.flatMap((text) => text.match(/uncached_\w+/g) ?? []);
    const shown = names(panelExpressions);
    expect(names(ruleExpressions).filter((name) => !shown.includes(name))).toEqual([]);
  });
});

describe('etc/logrotate.conf', () => {
  it.skipIf(!has('logrotate', 'logrotate'))('rotates a log that somebody holds open', () => {
    const log = join(work, 'uncached.log');
    const file = join(work, 'logrotate.conf');
    writeFileSync(log, 'a line\n');
    const text = readFileSync('etc/logrotate.conf', 'utf8').replaceAll('/var/log/uncached.log', log);
    writeFileSync(file, text, { mode: 0o644 });
    const { status, stderr } = spawnSync(
      'logrotate',
      ['-v', '--force', '--state', join(work, 'state'), file],
      {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
      },
    );
    expect(status, stderr).toBe(0);
    expect(stderr).not.toContain('error:');
    expect(readFileSync(log, 'utf8')).toBe('');
    expect(readFileSync(`${log}.1`, 'utf8')).toBe('a line\n');
  });
});

it('etc/newsyslog.conf has the fields of newsyslog.conf(5)', () => {
  const lines = readFileSync('etc/newsyslog.conf', 'utf8')
    .split('\n')
    .filter((line) => /^[^#]/.test(line));
  expect(lines).toEqual([expect.stringMatching(/^\/\S+ +[0-7]{3} +\d+ +\d+ +\* +[A-Z]+$/)]);
});
