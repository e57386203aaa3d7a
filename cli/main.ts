/** `npx sparklab`: words in, exit code out. The process itself is touched by bin/sparklab.mjs and here only. */
import type { Context } from "./context";
import { EXIT } from "./exit-codes";
import { openLab } from "./lab";
import { parseWords } from "./parse";
import { problemOf } from "./problems";
import { carryOut } from "./carry-out";
import { processTerminal } from "./terminal";

/** @param root the checkout, when it is not the one that this file lies in. */
export async function main(words: readonly string[], { root }: { root?: string } = {}): Promise<number> {
  const terminal = processTerminal(process);
  const parsed = parseWords(words);
  if ("text" in parsed) {
    (parsed.exitCode === EXIT.done ? process.stdout : process.stderr).write(parsed.text);
    return parsed.exitCode;
  }
  try {
    const lab = openLab(process.env, root);
    const context: Context = { lab, environment: process.env, words, terminal };
    return await carryOut(parsed.request, context);
  } catch (error) {
    const { text, exitCode } = problemOf(error);
    terminal.note(text);
    return exitCode;
  }
}
