/** Ctrl-C once lets the steps in flight finish, twice stops at once; both can be resumed. */
import { EXIT } from "./exit-codes";
import type { Terminal } from "./terminal";

export interface Stopping {
  signal: AbortSignal;
  release: () => void;
}

export function stopOnSignals({ note }: Pick<Terminal, "note">): Stopping {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT.stopped);
    note("Stopping after the steps in flight; once more stops now. Run the same command again to go on.");
    controller.abort();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
