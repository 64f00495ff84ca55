/** Marks the listeners of this package, also those of another copy of it. */
const OWN = Symbol.for('fulcrum.domain.stop-signal');

type Listener = (() => void) & { [OWN]?: true };

const watched = new Set<string>();
let received = false;
const awaiting = new Set<() => void>();

/**
 * Keeps the process alive until a stop signal has arrived, at most for this many milliseconds: a
 * program that has nothing left to do would otherwise end before its listener is called.
 */
export function awaitStopSignal(ms: number): void {
  if (received) return;
  const release = () => {
    clearTimeout(timer);
    awaiting.delete(release);
  };
  const timer = setTimeout(release, ms);
  awaiting.add(release);
}

/**
 * Calls `onSignal` for a signal as long as the program itself does not listen to it. Who listens
 * decides what the signal does, as in any program; and a listener of ours beside another one would
 * mislead packages that count listeners to decide whether to end the process.
 */
export function listenUnlessProgramDoes(signal: NodeJS.Signals, onSignal: (signal: NodeJS.Signals) => void): void {
  if (watched.has(signal)) return;
  watched.add(signal);
  const own: Listener = () => onSignal(signal);
  own[OWN] = true;
  const update = () => {
    const listeners = process.listeners(signal) as Listener[];
    const others = listeners.some((listener) => listener[OWN] !== true);
    const installed = listeners.includes(own);
    if (others && installed) process.removeListener(signal, own);
    else if (!others && !installed) process.on(signal, own);
  };
  // Both events come before the change. A signal is never delivered before the next tick.
  const later = (event: string | symbol) => {
    if (event === signal) process.nextTick(update);
  };
  process.on('newListener', later);
  process.on('removeListener', later);
  noteArrival(signal);
  update();
}

/** Notes the first signal. Comes first and only once, so that no listener sees this one beside it. */
function noteArrival(signal: NodeJS.Signals): void {
  const arrived: Listener = () => {
    received = true;
    for (const release of awaiting) release();
  };
  arrived[OWN] = true;
  process.prependOnceListener(signal, arrived);
}
