/** Child processes of set-up: their output goes to a log file, and none outlives an interruption. */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { constants } from "node:os";
import { explain } from "./explain.mjs";

const alive = new Set();
/** Milliseconds that a child has to end by itself. */
const patience = 2000;

/** A command that ended badly; the message has the end of what it said and where the rest lies. */
export class CommandError extends Error {
  name = "CommandError";

  constructor(command, outcome, output, log) {
    const tail = output.trim().split("\n").slice(-15).join("\n");
    super([`${command} ${outcome}:`, tail, `(all of it: ${log})`, explain(output)].filter(Boolean).join("\n"));
    this.output = output;
  }
}

/** Runs a command to its end and resolves with what it wrote to standard output. */
export function execLogged(command, args, { log, signal, cwd, env = process.env }) {
  return new Promise((resolve, reject) => {
    const file = createWriteStream(log, { flags: "a" });
    file.write(`$ ${[command, ...args].join(" ")}\n`);
    // A group of its own, so that its own children can be ended with it.
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    alive.add(child);
    let last;
    const stop = () => {
      end(child, "SIGTERM");
      last = setTimeout(() => end(child, "SIGKILL"), patience); // npm goes on for a minute after the first word
    };
    signal?.addEventListener("abort", stop, { once: true });
    const chunks = { stdout: [], both: [] };
    child.stdout.on("data", (chunk) => (chunks.stdout.push(chunk), chunks.both.push(chunk), file.write(chunk)));
    child.stderr.on("data", (chunk) => (chunks.both.push(chunk), file.write(chunk)));
    const finish = (settle) => {
      clearTimeout(last);
      alive.delete(child);
      signal?.removeEventListener("abort", stop);
      file.end(settle);
    };
    child.on("error", (error) =>
      finish(() => reject(new CommandError(command, "could not be started", error.message, log))),
    );
    child.on("close", (code, killedBy) => {
      const text = (parts) => Buffer.concat(parts).toString("utf8");
      if (code === 0) return finish(() => resolve(text(chunks.stdout)));
      const outcome = killedBy === null ? `ended with exit code ${code}` : `was ended by ${killedBy}`;
      finish(() => reject(new CommandError(command, outcome, text(chunks.both), log)));
    });
  });
}

/**
 * Runs a command that has the terminal to itself and resolves with its exit code. Signals go to it, and it decides: a
 * Ctrl-C of the terminal reaches it anyway. `late`: what it may wait for; a Node program that sends any message is told
 * when that has ended, by its problem or an empty text.
 */
export function runInForeground(
  command,
  args,
  { cwd, env = process.env, stdout = "inherit", stderr = "inherit", late } = {},
) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ["inherit", stdout, stderr, ...(late ? ["ipc"] : [])] });
    const tell = (problem) => child.connected && child.send(problem);
    child.once(
      "message",
      () =>
        void late.then(
          () => tell(""),
          (error) => tell(error.message),
        ),
    );
    const pass = (signal) => child.kill(signal);
    const ignore = () => undefined;
    process.on("SIGTERM", pass).on("SIGHUP", pass).on("SIGINT", ignore);
    const settle = (finish) => {
      process.off("SIGTERM", pass).off("SIGHUP", pass).off("SIGINT", ignore);
      finish();
    };
    child.on("error", (error) => settle(() => reject(error)));
    child.on("close", (code, signal) => settle(() => resolve(code ?? 128 + constants.signals[signal])));
  });
}

/** Ends every child that still runs; for the last moment of the process, so it does not wait. */
export function endAll() {
  for (const child of alive) end(child, "SIGKILL");
}

function end(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // it ended by itself in the meantime
  }
}
