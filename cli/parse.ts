/** From words to a request: pure, so that every command line can be tested without running anything. */
import { CommanderError, type Command } from "commander";
import { EXIT } from "./exit-codes";
import type { Request } from "./requests";
import { commandTree } from "./tree";

/** What parsing came to: a request to carry out, or text to print with an exit code. */
export type Parsed = { request: Request } | { text: string; exitCode: 0 | 2 };

/** @param words Command line without node and script. */
export function parseWords(words: readonly string[]): Parsed {
  let request: Request | undefined;
  let text = "";
  const program = commandTree((found) => (request = found));
  const collect = { writeOut: (part: string) => (text += part), writeErr: (part: string) => (text += part) };
  for (const command of withChildren(program)) command.exitOverride().configureOutput(collect);
  try {
    program.parse([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { text, exitCode: error.exitCode === 0 ? EXIT.done : EXIT.wrong };
  }
  return request ? { request } : { text: program.helpInformation(), exitCode: EXIT.wrong };
}

/** The command and all below it. */
export function withChildren(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withChildren)];
}
