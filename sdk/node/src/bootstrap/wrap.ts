import { withoutOwnFrames } from './stack.ts';

export type Callable = (...args: unknown[]) => unknown;

/** The same function or class for all who look at it, with other arguments. */
export function wrap<T extends Callable>(native: T, change: (args: unknown[]) => unknown[]): T {
  const call = <R>(args: unknown[], run: (args: unknown[]) => R): R => {
    try {
      return run(change(args));
    } catch (error) {
      throw withoutOwnFrames(error);
    }
  };
  const wrapped: T = new Proxy(native, {
    apply: (target, self, args) => call(args, (changed) => Reflect.apply(target, self, changed)),
    construct: (target, args, newTarget) => call(args, (changed) => Reflect.construct(target, changed, newTarget === wrapped ? target : newTarget) as object),
  });
  return wrapped;
}
