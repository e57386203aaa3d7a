/** `npx sparklab`: the only file that touches the process. */
import { parseWords, type Request } from "./parse";
import { openLab, UserError } from "./lab";
import type { Terminal } from "./terminal";
import { down } from "./commands/down";
import { env, exec } from "./commands/env";
import { lifecycle } from "./commands/lifecycle";
import { logs } from "./commands/logs";
import { run } from "./commands/run";
import { start } from "./commands/start";
import { status } from "./commands/status";
import type { Context } from "./context";
import { DeployError } from "../local/deploy";
import { ToolsError } from "../local/engines/tools";

const terminal: Terminal = {
  line: (text = "") => process.stdout.write(`${text}\n`),
  note: (text) => process.stderr.write(`${text}\n`),
  raw: (text) => process.stdout.write(text),
};

/** Carries a request out; resolves with the exit code. */
function carryOut(request: Request, context: Context): Promise<number> {
  switch (request.command) {
    case "preview":
    case "up":
    case "refresh":
    case "destroy":
      return lifecycle(request, context);
    case "run":
      return run(request, context);
    case "status":
      return status(request, context);
    case "logs":
      return logs(request, context);
    case "env":
      return env(request, context);
    case "exec":
      return exec(request, context);
    case "start":
      return start(request, context);
    case "down":
      return down(context);
  }
}

async function main(words: string[]): Promise<number> {
  const parsed = parseWords(words);
  if ("text" in parsed) {
    (parsed.exitCode === 0 ? process.stdout : process.stderr).write(parsed.text);
    return parsed.exitCode;
  }
  try {
    return await carryOut(parsed.request, { lab: openLab(process.env), environment: process.env, words, terminal });
  } catch (error) {
    if (isMendable(error)) {
      terminal.note(error.message);
      return 2;
    }
    terminal.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 1;
  }
}

/** What a person can put right is told in words, without a stack trace. */
function isMendable(error: unknown): error is Error {
  return error instanceof UserError || error instanceof DeployError || error instanceof ToolsError;
}

void main(process.argv.slice(2)).then((code) => (process.exitCode = code));
