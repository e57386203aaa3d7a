/** What a person sees and is asked: lines, tables, spinners and questions; JSON goes to the same place when asked for. */
import confirm from "@inquirer/confirm";
import Table from "cli-table3";
import colors from "picocolors";
import { Waiting } from "./waiting";

export interface Terminal {
  line: (text?: string) => void;
  /** Problems and progress, kept out of what a pipe reads. */
  note: (text: string) => void;
  raw: (text: string) => void;
  /** Whether somebody is there to be asked. */
  isInteractive: boolean;
  ask: (question: string) => Promise<boolean>;
  /** Shows what is under way while it lasts, and for how long it has been. @param text a function says all of it itself */
  wait: <T>(text: string | (() => string), work: Promise<T>) => Promise<T>;
}

/** The terminal of this process. */
export function processTerminal({ stdin, stdout, stderr, env }: NodeJS.Process): Terminal {
  const waiting = new Waiting(stderr, stderr.isTTY && env.TERM !== "dumb");
  return {
    line: (text = "") => waiting.above(() => stdout.write(`${text}\n`)),
    note: (text) => waiting.above(() => stderr.write(`${text}\n`)),
    raw: (text) => stdout.write(text),
    isInteractive: Boolean(stdin.isTTY && stderr.isTTY),
    ask: (message) => confirm({ message, default: false }, { output: stderr }),
    wait: (text, work) =>
      waiting.during(typeof text === "string" ? (seconds) => `${text}: ${duration(seconds)}` : text, work),
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
  // One long cell would make every line as long, and each wrap on a terminal.
  return drawn.toString().replaceAll(/[ \t]+$/gm, "");
}

/** `75` is `1 min 15 s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
