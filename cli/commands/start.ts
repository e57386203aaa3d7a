/** What `npm start` does after set-up: preview, up, the jobs, a summary. */
import { resolve } from "node:path";
import type { Context } from "../context";
import { LOCAL_STACK } from "../lab";
import { NO_OPTIONS } from "../requests";
import { heading } from "../terminal";
import { lifecycle } from "./lifecycle";
import { run } from "./run";

export async function start({ data }: { data?: string }, context: Context): Promise<number> {
  const { terminal } = context;
  const config: Record<string, string> = data ? { "sparklab:customers": resolve(data) } : {};
  for (const command of ["preview", "up"] as const) {
    terminal.line(heading(command === "preview" ? "Preview: what up would change" : "\nUp"));
    const code = await lifecycle({ ...NO_OPTIONS, command, stack: LOCAL_STACK, json: false, config }, context);
    if (code !== 0) return code;
  }
  terminal.line();
  return run({ stack: LOCAL_STACK, jobs: [], quiet: true }, { ...context, words: ["run", "--quiet"] });
}
