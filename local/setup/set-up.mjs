/** `setUp()`: makes what is missing in `.lab/tools` and writes its manifest. Without dependencies: it runs before any is there. */
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { endAll } from "./child.mjs";
import { takeLock } from "./lock.mjs";
import { manifestOf, plan } from "./plan.mjs";
import { Progress } from "./progress.mjs";
import { SetupError, runSteps, writeAtomically } from "./steps.mjs";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Resolves when the steps named in `wait` are done (all, if not given). `late` settles when the others are too; until then
 * another set-up waits.
 */
export async function setUp({
  purpose,
  data = process.env.SPARKLAB_DATA || undefined,
  wait,
  signal,
  progress = new Progress(),
}) {
  const tools = join(root, ".lab", "tools");
  mkdirSync(tools, { recursive: true });
  const onWait = (holder) =>
    process.stderr.write(
      `Waiting for another set-up: ${holder.purpose} (process ${holder.pid}, since ${holder.since}).\n`,
    );
  const release = await takeLock(join(tools, "lock"), { purpose, onWait, signal });
  try {
    const steps = plan({ root, tools, data });
    checkRoom(tools, steps);
    const { results, late } = await runSteps({ steps, tools, progress, signal, wait });
    const finished = late.then(() => finish(tools, results)).finally(release);
    finished.catch(() => undefined); // whoever waits for it hears of it
    if (wait === undefined) await finished;
    return { tools, progress, late: finished };
  } catch (error) {
    release();
    throw error;
  }
}

/** All is there: tell where, and drop what only another installation would use. */
function finish(tools, { ["own-customers"]: own, ...results }) {
  const manifest = manifestOf({ customers: own, ...results }, tools);
  const file = join(tools, "manifest.json");
  const known = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (known !== `${JSON.stringify(manifest, null, 2)}\n`) writeAtomically(file, manifest);
  rmSync(join(tools, "cache"), { recursive: true, force: true });
  return manifest;
}

/** Running out of disk half way is worse than being told before. */
function checkRoom(tools, steps) {
  const missing = steps.filter((step) => !existsSync(join(tools, "done", `${step.name}.json`)));
  // Downloads and what is unpacked on the way stand beside what stays.
  const needed = 2 * missing.reduce((sum, step) => sum + step.megabytes, 0);
  const { bavail, bsize } = statfsSync(tools);
  const free = Math.floor((bavail * bsize) / 1e6);
  if (free < needed)
    throw new SetupError(`disk of ${tools}: got ${free} MB free; expected ${needed} MB. Make room, then run again.`);
}

/**
 * Runs a whole program around set-up: Ctrl-C ends the children and says how to go on; what the user can put right is
 * printed without a stack trace.
 */
export async function asProgram(main) {
  const interrupt = new AbortController();
  const onSignal = () => {
    interrupt.abort();
    endAll();
    process.stderr.write("\nInterrupted; what is finished is kept: run again to resume.\n");
    process.exit(130);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.on("exit", endAll);
  const listening = { stop: () => (process.off("SIGINT", onSignal), process.off("SIGTERM", onSignal)) };
  try {
    process.exitCode = await main({ signal: interrupt.signal, listening });
  } catch (error) {
    const known = error instanceof SetupError || error.name === "CommandError";
    process.stderr.write(`${known ? error.message : error.stack}\n`);
    process.exitCode = error instanceof SetupError ? 2 : 1;
  }
}
