/** What a person sees and is asked: lines, tables, spinners and questions; JSON goes to the same place when asked for. */
import confirm from "@inquirer/confirm";
import Table from "cli-table3";
import ora from "ora";
import colors from "picocolors";

export interface Terminal {
  line: (text?: string) => void;
  /** Problems and progress, kept out of what a pipe reads. */
  note: (text: string) => void;
  raw: (text: string) => void;
  /** Whether somebody is there to be asked. */
  isInteractive: boolean;
  ask: (question: string) => Promise<boolean>;
  /** Shows that something is under way while it lasts; silent where nobody watches. */
  wait: <T>(text: string, work: Promise<T>) => Promise<T>;
}

/** The terminal of this process. */
export function processTerminal({ stdin, stdout, stderr }: NodeJS.Process): Terminal {
  return {
    line: (text = "") => stdout.write(`${text}\n`),
    note: (text) => stderr.write(`${text}\n`),
    raw: (text) => stdout.write(text),
    isInteractive: Boolean(stdin.isTTY && stderr.isTTY),
    ask: (message) => confirm({ message, default: false }, { output: stderr }),
    wait: (text, work) => {
      // It must not take the keyboard: Ctrl-C has a meaning of its own here.
      const spinner = stderr.isTTY ? ora({ text, stream: stderr, discardStdin: false }).start() : undefined;
      return work.finally(() => spinner?.stop());
    },
  };
}
export const heading = (text: string) => colors.bold(text);
export const good = (text: string) => colors.green(text);
export const bad = (text: string) => colors.red(text);
export const faint = (text: string) => colors.dim(text);

/** A plain table with aligned columns; numbers align right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const numeric = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number"));
  const drawn = new Table({
    head: head.map((title) => colors.dim(title)),
    colAligns: numeric.map((isNumber) => (isNumber ? "right" : "left")),
    chars: {
      top: "",
      "top-mid": "",
      "top-left": "",
      "top-right": "",
      bottom: "",
      "bottom-mid": "",
      "bottom-left": "",
      "bottom-right": "",
      left: "  ",
      "left-mid": "",
      mid: "",
      "mid-mid": "",
      right: "",
      "right-mid": "",
      middle: "  ",
    },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  for (const row of rows)
    drawn.push(row.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en-US") : cell)));
  return drawn.toString();
}

/** `75` is `1 min 15 s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
