/** A timer that keeps the process alive. All times are in milliseconds. */
export interface FoundTimer {
  interval: boolean;
  /** The time since it was set, its length, and the time until it fires. */
  age: number;
  delay: number;
  dueIn: number;
  unref(): void;
}

/** Node's timer objects, as far as they are used here. */
interface InternalTimer {
  _idleStart: number;
  _idleTimeout: number;
  _repeat: number | null;
  _destroyed: boolean;
  hasRef(): boolean;
  unref(): void;
}

type QueryObjects = (constructor: unknown, options: { format: 'summary' }) => string[];

/**
 * Returns a function that finds all timers that keep the process alive, or undefined where this is not
 * possible. Node has no list of them; V8 finds all objects of a class, and describes each by a method
 * of the class, which so receives them.
 */
export async function timerFinder(): Promise<(() => FoundTimer[]) | undefined> {
  const [v8, { inspect }] = await Promise.all([import('node:v8'), import('node:util')]);
  const { queryObjects } = v8 as unknown as { queryObjects?: QueryObjects };
  if (typeof queryObjects !== 'function') return undefined;
  return () => {
    const probe = setTimeout(() => undefined, 0);
    clearTimeout(probe);
    const { _idleStart: now } = probe as unknown as InternalTimer;
    const timers = objectsOf(probe.constructor, queryObjects, inspect.custom) as InternalTimer[];
    return timers
      .filter((timer) => !timer._destroyed && timer._idleTimeout >= 0 && timer.hasRef())
      .map((timer) => ({
        interval: timer._repeat !== null,
        age: now - timer._idleStart,
        delay: timer._idleTimeout,
        dueIn: timer._idleStart + timer._idleTimeout - now,
        unref: () => timer.unref(),
      }));
  };
}

function objectsOf(constructor: { prototype: object }, queryObjects: QueryObjects, custom: symbol): object[] {
  const { prototype } = constructor;
  const native = Object.getOwnPropertyDescriptor(prototype, custom);
  const { emitWarning } = process;
  const found: object[] = [];
  // Suppresses the warning that it is experimental, which would appear in the domain's log.
  process.emitWarning = () => undefined;
  Object.defineProperty(prototype, custom, { configurable: true, value(this: object) { return found.push(this); } });
  try {
    queryObjects(constructor, { format: 'summary' });
    return found;
  } catch {
    return [];
  } finally {
    process.emitWarning = emitWarning;
    if (native) Object.defineProperty(prototype, custom, native);
    else delete (prototype as Record<symbol, unknown>)[custom];
  }
}
