/** What a check of the doctor says. */

/** What `--fix` may do by itself: nothing of it loses anything. */
export type Repair =
  { do: "remove"; path: string } | { do: "protect"; path: string } | { do: "end"; pid: number; began: string };

export interface Finding {
  check: string;
  /** A note is worth knowing and mends itself; only what is wrong counts for the exit code. */
  status: "good" | "note" | "wrong";
  text: string;
  /** The command that mends it. */
  fix?: string;
  repair?: Repair;
}

export const good = (check: string, text: string): Finding => ({ check, status: "good", text });
export const note = (check: string, text: string, rest: Pick<Finding, "fix" | "repair"> = {}): Finding => ({
  ...{ check, status: "note", text },
  ...rest,
});
export const wrong = (check: string, text: string, fix: string, repair?: Repair): Finding => ({
  ...{ check, status: "wrong", text, fix },
  ...(repair ? { repair } : {}),
});
