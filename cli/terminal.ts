/** What a person sees: lines, tables and durations; JSON goes to the same place when asked for. */
import Table from "cli-table3";
import colors from "picocolors";

export interface Terminal {
  line: (text?: string) => void;
  /** Problems and progress, kept out of what a pipe reads. */
  note: (text: string) => void;
  raw: (text: string) => void;
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
