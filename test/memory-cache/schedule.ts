import type { Code } from './code.ts';

/** What may happen, and how often. */
export interface Scenario {
  readonly commits: number;
  readonly callers: number;
  /** How often the link is lost. */
  readonly losses?: number;
  /** A render declares what it depends on when it has read, and not before. */
  readonly late?: boolean;
  /** Callers wait for current() first. */
  readonly behindCurrent?: boolean;
}

/** A system whose next steps the schedule chooses. */
export interface ScheduledWorld {
  readonly actions: string[];
  act(action: string): void;
  /** What is wrong after the last action. */
  broken(): string | undefined;
  /** What callers were given. */
  readonly outcomes: readonly string[];
  close(): void;
}

export type MakeWorld<Setting> = (code: Code, setting: Setting) => Promise<ScheduledWorld>;

export interface Verdict {
  readonly schedules: number;
  readonly broken?: string;
  readonly trace?: readonly string[];
  /** All that callers were given in some schedule: without hits nothing would be proved. */
  readonly outcomes: readonly string[];
}

/** Lets everything happen that needs no action, and no turn of the event loop: that would take ten times as long. */
async function settle(): Promise<void> {
  for (let nth = 0; nth < 50; nth++) await undefined;
}

/** Runs every schedule of the real code, each from its start: depth first, until one breaks a promise. */
export async function everySchedule<Setting>(
  make: MakeWorld<Setting>,
  code: Code,
  setting: Setting,
): Promise<Verdict> {
  let schedules = 0;
  const seen = new Set<string>();
  for (const left: string[][] = [[]]; left.length > 0; schedules += 1) {
    const trace = left.pop() ?? [];
    const broken = await follow(await make(code, setting), { trace, seen }, (actions) => {
      for (const other of actions.slice(1)) left.push([...trace, other]);
      return actions[0];
    });
    if (broken !== undefined) return { schedules, broken, trace, outcomes: [...seen] };
  }
  return { schedules, outcomes: [...seen].sort() };
}

/** So many schedules at random. */
export async function someSchedules<Setting>(
  make: MakeWorld<Setting>,
  code: Code,
  settings: () => Setting,
  { schedules, pick }: { schedules: number; pick: (actions: readonly string[]) => string },
): Promise<Verdict> {
  const seen = new Set<string>();
  for (let nth = 0; nth < schedules; nth++) {
    const trace: string[] = [];
    const broken = await follow(await make(code, settings()), { trace, seen }, (actions) =>
      actions.length > 0 ? pick(actions) : undefined,
    );
    if (broken !== undefined) return { schedules: nth, broken, trace, outcomes: [...seen] };
  }
  return { schedules, outcomes: [...seen].sort() };
}

/** Repeats the trace, and then goes on as `choose` says; the trace grows by that. */
async function follow(
  world: ScheduledWorld,
  { trace, seen }: { trace: string[]; seen: Set<string> },
  choose: (actions: readonly string[]) => string | undefined,
): Promise<string | undefined> {
  try {
    for (let step = 0; ; step++) {
      const action = trace[step] ?? choose(world.actions);
      if (action === undefined) return undefined;
      trace[step] = action;
      world.act(action);
      await settle();
      const broken = world.broken();
      if (broken !== undefined) return broken;
    }
  } finally {
    for (const outcome of world.outcomes) seen.add(outcome);
    world.close();
  }
}
