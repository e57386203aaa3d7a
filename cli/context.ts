/** What every command gets. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { clientEnvironment, cloudFiles } from "../local/cloud/door/client-environment";
import { findCloud } from "./cloud-process";
import { EXIT } from "./exit-codes";
import { LOCAL_STACK, UserError, type Lab } from "./lab";
import type { Terminal } from "./terminal";

export interface Context {
  lab: Lab;
  environment: NodeJS.ProcessEnv;
  /** The command line, for a second start of the same command. */
  words: readonly string[];
  terminal: Terminal;
}

/** Variables that lead clients to the running cloud. @throws UserError when it does not run */
export function cloudEnvironment(lab: Lab): Record<string, string> {
  if (!findCloud(lab)) throw new UserError("The loopback cloud does not run. npx sparklab up");
  return clientEnvironment(lab.folder);
}

/**
 * Runs `work` where Google's clients find their cloud. Node reads certificate settings only when it starts, so for the
 * local stack the same command is started once more with the variables set; other stacks use the caller's own.
 */
export async function asClient(context: Context, stack: string, work: () => Promise<number>): Promise<number> {
  if (stack !== LOCAL_STACK) return work();
  const wanted = cloudEnvironment(context.lab);
  const isSet = Object.entries(wanted).every(([key, value]) => context.environment[key] === value);
  return isSet
    ? work().catch((error: unknown) => toldIfAway(error, context))
    : spawnInherited(process.execPath, [join(__dirname, "bin", "sparklab.mjs"), ...context.words], {
        ...context.environment,
        ...wanted,
      });
}

/** A cloud that ended meanwhile is why its client failed: what it was asked then says nothing. */
function toldIfAway(error: unknown, { lab, words, terminal }: Context): number {
  if (findCloud(lab)) throw error;
  terminal.note(
    `The loopback cloud has ended: ${(error as Error).message}\nIts last words are in ${join(cloudFiles(lab.folder).cloud, "cloud.out")}. What it had answered is kept: npx sparklab up, then npx sparklab ${words.join(" ")} goes on`,
  );
  return EXIT.failed;
}

/**
 * Runs a child on this terminal and gives its exit code. Ctrl-C reaches both through the terminal, and the child decides;
 * an end that is asked of this process alone is passed on, so that the child does not outlive it.
 */
export function spawnInherited(
  command: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  cwd?: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...words], { stdio: "inherit", env: environment, ...(cwd ? { cwd } : {}) });
    const ignore = () => undefined;
    const pass = (signal: NodeJS.Signals) => void child.kill(signal);
    process.on("SIGINT", ignore).on("SIGTERM", pass).on("SIGHUP", pass);
    const settle = (finish: () => void) => {
      process.off("SIGINT", ignore).off("SIGTERM", pass).off("SIGHUP", pass);
      finish();
    };
    child.once("error", (error: NodeJS.ErrnoException) =>
      settle(() => reject(error.code === "ENOENT" ? new UserError(`${command}: no such command on PATH`) : error)),
    );
    child.once("exit", (code, signal) => settle(() => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0))));
  });
}
