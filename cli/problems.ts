/** What went wrong, for a person: a mistake in words and exit code 2, a bug with its stack and exit code 1. */
import { EXIT } from "./exit-codes";

/** Errors whose text says what, where and which command mends it. By name: most commands never load those who throw them. */
const MENDABLE = new Set(["UserError", "DeployError", "ToolsError", "StartError"]);
/** Thrown by a question that is answered with Ctrl-C. */
const PROMPT_CLOSED = new Set(["ExitPromptError", "AbortPromptError"]);

export function problemOf(error: unknown): { text: string; exitCode: number } {
  if (!(error instanceof Error)) return { text: String(error), exitCode: EXIT.failed };
  if (PROMPT_CLOSED.has(error.name)) return { text: "Stopped; nothing was changed.", exitCode: EXIT.stopped };
  if (MENDABLE.has(error.name)) return { text: error.message, exitCode: EXIT.wrong };
  return { text: error.stack ?? error.message, exitCode: EXIT.failed };
}
