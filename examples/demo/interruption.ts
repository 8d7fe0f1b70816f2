/** Ctrl-C, a polite kill, or a reader of our output that went away: all of them stop the demo cleanly. */
import type { Screen } from './screen.ts';

export class Interrupted extends Error {}

/** Aborted by the first of them; a second Ctrl-C ends the process, which costs nothing either. */
export function interruption(screen: Screen): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    screen.endProgress();
    screen.say('Stopping: the batches in hand are finished first.', 'yellow');
    controller.abort(new Interrupted());
  };
  const leave = () => controller.abort(new Interrupted());
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.stdout.on('error', leave);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}
