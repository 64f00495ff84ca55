/** Marks the listeners of this package, also those of another copy of it. */
const OWN = Symbol.for('fulcrum.domain.stop-signal');

type Listener = (() => void) & { [OWN]?: true };

const watched = new Set<string>();

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
  update();
}
