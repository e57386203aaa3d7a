/** What `npm start` does after set-up: preview, up, and the training as the schedule fires it. */
import { resolve } from "node:path";
import type { Context } from "../context";
import { LOCAL_STACK, UserError } from "../lab";
import { NO_OPTIONS } from "../requests";
import { heading } from "../terminal";
import { lifecycle } from "./lifecycle";
import { train } from "./train";

export interface StartRequest {
  data?: string;
  tune: boolean;
  again: boolean;
  scoring: "batch" | "dag";
}

export async function start({ data, tune, again, scoring }: StartRequest, context: Context): Promise<number> {
  const { terminal } = context;
  const config: Record<string, string> = {
    ...(data ? { "sparklab:customers": resolve(data) } : {}),
    ...(tune ? { "sparklab:tuningSearch": "full" } : {}),
  };
  terminal.line(heading("Preview and up"));
  const code = await lifecycle({ ...NO_OPTIONS, command: "up", stack: LOCAL_STACK, json: false, config }, context);
  if (code !== 0) return code;
  await terminal.wait("Waiting for the last environment of the set-up", setUpIsWhole());
  terminal.line(heading("\nTraining"));
  const words = ["train", ...(again ? ["--again"] : [])];
  return train({ stack: LOCAL_STACK, again, scoring }, { ...context, words });
}

/**
 * Set-up goes on beside us when it started us: it says over its channel when it has ended, and how. Started by hand there
 * is no channel, and set-up has ended.
 */
function setUpIsWhole(): Promise<void> {
  if (!process.connected) return Promise.resolve();
  return new Promise((done, fail) => {
    process.once("message", (problem: string) => {
      process.disconnect();
      if (problem) fail(new UserError(problem));
      else done();
    });
    process.once("disconnect", () => fail(new UserError("Set-up ended before it was whole. npm start")));
    process.send?.("waiting");
  });
}
