/** The words after `npm start --`: whatever is wrong with them is told before anything is downloaded. */
import { parseArgs } from "node:util";
import { SetupError } from "./steps.mjs";

/** As `npx sparklab start` has them, which is not there yet; the test compares both. */
export const OPTIONS = {
  data: { type: "string", expected: "a CSV of your own customers", is: (text) => text !== "" && !text.startsWith("-") },
  tune: { type: "boolean" },
  again: { type: "boolean" },
  scoring: { type: "string", expected: "batch or dag", is: (text) => ["batch", "dag"].includes(text) },
};
export const USAGE = "npm start -- [--data <file.csv>] [--tune] [--again] [--scoring <batch|dag>]";

/** @returns {{ data?: string, help?: boolean }} @throws SetupError with all problems */
export function parseStartWords(words) {
  const options = { ...OPTIONS, help: { type: "boolean", short: "h" } };
  const { values, tokens } = parseArgs({ args: words, options, strict: false, tokens: true });
  const problems = tokens.flatMap((token) => {
    if (token.kind !== "option") return [`${token.value ?? "--"}: not known`];
    const option = options[token.name];
    if (!option) return [`${token.rawName}: not known`];
    if (option.type === "boolean") return token.value === undefined ? [] : [`${token.rawName}: takes no value`];
    const value = token.value ?? "";
    return option.is(value) ? [] : [`${token.rawName}: got ${value || "nothing"}; expected ${option.expected}`];
  });
  if (problems.length > 0) throw new SetupError([...problems, USAGE].join("\n"));
  return values;
}
