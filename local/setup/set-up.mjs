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
 * Resolves when every step is done but those marked `late`. `late` settles when these are done too but those that use
 * idle time, `finished` with all; until then another set-up waits.
 * `demand`: names of steps that are made only when somebody asks for them. `data`: a CSV of the user's own, checked
 * before anything is downloaded for long.
 */
export async function setUp({ purpose, data, demand = [], signal, progress = new Progress() }) {
  const tools = join(root, ".lab", "tools");
  const all = plan({ root, tools, data });
  checkDemand(demand, all);
  mkdirSync(tools, { recursive: true });
  const release = await takeLock(join(tools, "lock"), { purpose, onWait: tellHolder, signal });
  try {
    const steps = all.filter((step) => !step.onDemand || demand.includes(step.name));
    const first = steps.filter((step) => !step.late && !step.idle).map((step) => step.name);
    checkRoom(tools, steps);
    const { results, late, finished } = await runSteps({ steps, tools, progress, signal, wait: first });
    writeManifest(results, tools);
    const tidied = finished.then(() => tidy(results, tools)).finally(release);
    tidied.catch(() => undefined); // whoever waits for the end hears of it
    if (first.length === steps.length) await tidied;
    return { tools, manifest: manifestOf(results, tools), progress, late, finished: tidied };
  } catch (error) {
    release();
    throw error;
  }
}

function checkDemand(demand, steps) {
  const known = steps.filter((step) => step.onDemand).map((step) => step.name);
  const unknown = demand.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new SetupError(`parts: got ${unknown.join(", ")}; expected some of ${known.join(", ")}.`);
}

function tellHolder({ purpose, pid, since }) {
  process.stderr.write(`Waiting for the set-up of ${purpose} (process ${pid}, since ${since}).\n`);
}

function writeManifest(results, tools) {
  const file = join(tools, "manifest.json");
  const manifest = manifestOf(results, tools);
  const known = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (known !== `${JSON.stringify(manifest, null, 2)}\n`) writeAtomically(file, manifest);
}

/** All is there: drop what only another installation would use. The environments hold their own names of its files. */
function tidy(results, tools) {
  writeManifest(results, tools);
  rmSync(join(tools, "cache"), { recursive: true, force: true });
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
 * printed without a stack trace. `main` may take the signals over by calling `release`.
 */
export async function asProgram(main) {
  const interrupt = new AbortController();
  const stop = () => {
    interrupt.abort();
    endAll();
    process.stderr.write("\nInterrupted; what is finished is kept: run again to resume.\n");
    process.exit(130);
  };
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, stop);
  process.on("exit", endAll);
  const release = () => ["SIGINT", "SIGTERM"].forEach((name) => process.off(name, stop));
  try {
    process.exitCode = await main({ signal: interrupt.signal, release });
  } catch (error) {
    const known = error instanceof SetupError || error.name === "CommandError";
    process.stderr.write(`${known ? error.message : error.stack}\n`);
    process.exitCode = error instanceof SetupError ? 2 : 1;
  }
}
