/** What each exit code says; help, docs/cli.md and the commands take it from here. */
import { constants } from "node:os";

export const EXIT = {
  done: 0,
  failed: 1,
  wrong: 2,
  drift: 3,
  /** As shells count: 128 and the number of the signal. */
  stopped: 128 + constants.signals.SIGINT,
} as const;

export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.done, "done; for doctor: nothing is wrong"],
  [EXIT.failed, "a resource, a batch, the program or a check of doctor failed, or changes came unexpected"],
  [EXIT.wrong, "the command, the configuration or the input is wrong, or another holds the lock: nothing was changed"],
  [EXIT.drift, "drift: what is there differs from the state"],
  [EXIT.stopped, "stopped by Ctrl-C; the same command goes on from there"],
];

export const exitCodesText = (): string =>
  `\nExit codes:\n${EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`).join("\n")}`;
