/** What benches print, read and shown. */
import { reaches } from "./benches.mjs";

/** The JSON object at the end of the output, in one line or several. */
export function lastObject(output) {
  const start = /^\{/gm;
  const starts = [...output.matchAll(start)].map((match) => match.index);
  return JSON.parse(output.slice(starts.at(-1)));
}

/** All rows under one head. */
export function table(rows) {
  const lines = rows.map((row) => {
    const { what, ours, other, unit, ratio } = row;
    const goal =
      row.goal?.atMost !== undefined
        ? `at most ${row.goal.atMost}`
        : row.goal?.atLeast !== undefined
          ? `at least ${row.goal.atLeast}`
          : "";
    const verdict = { true: "reached", false: "MISSED", undefined: "" }[String(reaches(row))];
    const shown = other === undefined ? "" : figure(ratio ?? ours / other);
    return [
      what,
      `${figure(ours)} ${unit}`,
      other === undefined ? "" : `${figure(other)} ${unit}`,
      shown,
      goal,
      verdict,
    ];
  });
  const all = [["bench", "ours", "other", "ratio", "goal", ""], ...lines];
  const widths = all[0].map((_, column) => Math.max(...all.map((line) => line[column].length)));
  return `${all
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")}\n`;
}

function figure(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}
