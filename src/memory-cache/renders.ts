import { type Dependency, isConcerned, type NotifiedKey } from './dependency.ts';
import { DependencyIndex } from './dependency-index.ts';

/** A render under way, or one that has ended and whose callers are still asking about it. */
export interface Render {
  /** The number of the last change that was handled before it began. */
  readonly begun: number;
  readonly dependencies: Dependency[];
  /** The same: there may be thousands of both dependencies and changes. */
  readonly index: DependencyIndex<object>;
  /** The first change of what it depends on, as far as was examined. */
  overtakenAt: number;
  examinedTo: number;
}

/** Without a channel, everything may have changed. */
interface Change {
  readonly channel: string | undefined;
  readonly key: NotifiedKey;
}

/**
 * What has changed since the renders under way began. A render may have read before a change that was handled
 * while it ran, and what it depends on may be known only at its end. So the changes are kept until the oldest
 * render has ended, `limit` of them at most.
 */
export class Renders {
  /** The number of changes so far. */
  count = 0;
  /** The last ones; the first of them has the number `#before` + 1. */
  #changes: Change[] = [];
  #before = 0;
  readonly #underWay = new Set<Render>();
  readonly #limit: number;

  constructor(limit = 20_000) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#underWay.size;
  }

  changed(change: Change): void {
    this.count += 1;
    if (this.#underWay.size > 0) this.#changes.push(change);
    else this.#before = this.count;
    if (this.#changes.length > this.#limit) this.#forgetTo(this.count - Math.ceil(this.#limit / 2));
  }

  begin(): Render {
    const render: Render = {
      begun: this.count,
      dependencies: [],
      index: new DependencyIndex(),
      overtakenAt: Infinity,
      examinedTo: this.count,
    };
    this.#underWay.add(render);
    return render;
  }

  dependsOn(render: Render, dependency: Dependency): void {
    render.dependencies.push(dependency);
    render.index.add(dependency, render);
    // Later changes are examined with those of all other dependencies.
    const at = this.#first(render.begun, render.examinedTo, (change) => concerns(change, dependency));
    render.overtakenAt = Math.min(render.overtakenAt, at);
  }

  /** Whether what it depends on, as far as it has declared it, has changed since it began, by the change `upTo`. */
  isOvertaken(render: Render, upTo = this.count): boolean {
    if (render.overtakenAt === Infinity && this.#underWay.has(render)) {
      render.overtakenAt = this.#first(render.examinedTo, this.count, (change) =>
        concernsAny(change, render.index),
      );
      render.examinedTo = this.count;
    }
    return render.overtakenAt <= upTo;
  }

  end(render: Render): void {
    this.#underWay.delete(render);
    const [oldest] = this.#underWay;
    const needless = (oldest?.begun ?? this.count) - this.#before;
    // Moving the others costs as much as they are many.
    if (needless * 2 >= this.#changes.length) this.#forgetTo(this.#before + needless);
  }

  /** The number of the first change after `after`, up to `upTo`, that is meant. */
  #first(after: number, upTo: number, isMeant: (change: Change) => boolean): number {
    for (let number = Math.max(after, this.#before) + 1; number <= upTo; number++) {
      const change = this.#changes[number - this.#before - 1];
      if (change && isMeant(change)) return number;
    }
    return Infinity;
  }

  /** Renders that began before what is forgotten count as overtaken by all of it: it is not known any more. */
  #forgetTo(number: number): void {
    this.#changes = this.#changes.slice(number - this.#before);
    this.#before = number;
    for (const render of this.#underWay) {
      if (render.begun >= number) return;
      render.overtakenAt = Math.min(render.overtakenAt, render.begun + 1);
    }
  }
}

function concerns({ channel, key }: Change, dependency: Dependency): boolean {
  return channel === undefined || (dependency.channel === channel && isConcerned(dependency, key));
}

function concernsAny({ channel, key }: Change, index: DependencyIndex<object>): boolean {
  if (channel === undefined) return true;
  for (const _dependent of index.concerned(channel, key)) return true;
  return false;
}
