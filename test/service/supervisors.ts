/** A supervisor of the daemontools family: its scripts in service/NAME, and its commands. */
export interface Supervisor {
  readonly name: string;
  /** Every program that its scripts and the test need. */
  readonly programs: readonly string[];
  /** The user in the scripts. Tests run as root, because only root can change the user. */
  readonly asUser: string;
  readonly scan: (services: string) => readonly [string, ...string[]];
  readonly tell: (order: Order, service: string) => readonly [string, ...string[]];
  /** Ends the supervision of the service and of its log. */
  readonly release: (service: string) => readonly [string, ...string[]];
  readonly status: (service: string) => readonly [string, ...string[]];
  readonly isDown: RegExp;
}

export type Order = 'reload' | 'restart' | 'kill' | 'down';

const svc: Readonly<Record<Order, string>> = { reload: '-h', restart: '-t', kill: '-k', down: '-d' };
const sv: Readonly<Record<Order, string>> = { reload: 'hup', restart: 'term', kill: 'kill', down: 'down' };

export const supervisors: readonly Supervisor[] = [
  {
    name: 'daemontools',
    programs: ['svscan', 'svc', 'svstat', 'envdir', 'setuidgid', 'multilog'],
    asUser: 'setuidgid',
    scan: (services) => ['svscan', services],
    tell: (order, service) => ['svc', svc[order], service],
    release: (service) => ['svc', '-dx', service, `${service}/log`],
    status: (service) => ['svstat', service],
    isDown: /: down \d+ seconds/,
  },
  {
    name: 'runit',
    programs: ['runsvdir', 'sv', 'chpst', 'svlogd'],
    asUser: '-u',
    scan: (services) => ['runsvdir', services],
    tell: (order, service) => ['sv', sv[order], service],
    release: (service) => ['sv', 'force-shutdown', service],
    status: (service) => ['sv', 'status', service],
    isDown: /^down: /,
  },
  {
    name: 's6',
    programs: ['s6-svscan', 's6-svc', 's6-svstat', 's6-envdir', 's6-setuidgid', 's6-log'],
    asUser: 's6-setuidgid',
    scan: (services) => ['s6-svscan', services],
    tell: (order, service) => ['s6-svc', svc[order], service],
    release: (service) => ['s6-svc', '-dx', service],
    status: (service) => ['s6-svstat', service],
    isDown: /^down /,
  },
];
