/**
 * The step runner: runs what is missing, in parallel where nothing stands between, and can be killed at any moment.
 *
 * A step works in a folder of its own under `tmp/`; when it has succeeded, that folder is renamed to its place and a
 * stamp `done/<step>.json` is written. A step with a stamp of the same key, whose result still checks, is not run again.
 *
 * @typedef {object} Step
 * @property {string} name          short name: stamp, log and temporary folder are named for it
 * @property {string} title         what a reader sees
 * @property {string[]} [needs]     steps that must be done before
 * @property {number} seconds       estimate of the time of a cold run
 * @property {number} megabytes     estimate of the disk that it takes
 * @property {boolean} [late]       whoever waits for set-up does not wait for it
 * @property {boolean} [idle]       late, and what waits for late steps does not wait for it either
 * @property {boolean} [onDemand]   part of a set-up only when it is asked for
 * @property {string} [output]      folder (under the tools folder) that the step's own folder becomes
 * @property {(results: Record<string, any>) => string} key       changes when the step must run again
 * @property {(result: any) => boolean} [check]                   is what the stamp promises still there?
 * @property {() => any} [adopt]                                  the result, if the work is found done without a stamp
 * @property {(context: StepContext) => Promise<any>} run         the work; its return value goes into the stamp
 *
 * @typedef {object} StepContext
 * @property {string} folder        the step's own, empty folder
 * @property {string} scratch       a second one, for what is needed on the way: gone after success
 * @property {string} place         where that folder will be after success
 * @property {Record<string, any>} results   results of the steps that it needs
 * @property {(command: string, args: string[], options?: object) => Promise<string>} exec
 * @property {(text: string) => void} say    one line for the reader
 * @property {AbortSignal} signal   aborted when the set-up is interrupted, or another step has failed
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execLogged } from "./child.mjs";
import { sizeInMegabytes } from "./files.mjs";

/** Thrown for what the user can put right: printed without a stack trace. */
export class SetupError extends Error {}

/**
 * Runs the steps. Resolves when all of `wait` (and what they need) are done, with the results so far, a promise for the
 * rest but the idle ones (`late`) and one for all; rejects when a step that is waited for fails.
 */
export async function runSteps({ steps, tools, progress, signal, wait = steps.map((step) => step.name) }) {
  checkPlan(steps, wait);
  for (const folder of ["done", "logs", "tmp"]) mkdirSync(join(tools, folder), { recursive: true });
  removeLeftovers(join(tools, "tmp"));
  const results = {};
  const seen = new Set(); // files that several steps share are counted for the first of them
  const failures = [];
  // One failure ends the others too: nobody is to wait for minutes to hear of it, and what is finished is kept.
  const failed = new AbortController();
  const anyStop = AbortSignal.any([failed.signal, ...(signal === undefined ? [] : [signal])]);
  progress.begin(
    steps,
    steps.filter((step) => isMissing(tools, step)),
  );
  const running = new Map();
  const start = (name) => {
    if (!running.has(name)) running.set(name, begin(steps.find((step) => step.name === name)));
    return running.get(name);
  };
  const begin = async (step) => {
    await Promise.all((step.needs ?? []).map(start));
    anyStop.throwIfAborted();
    try {
      results[step.name] = await runStep({ step, tools, results, seen, progress, signal: anyStop });
    } catch (error) {
      progress.fail(step, failures.length > 0);
      failures.push(error);
      failed.abort();
      throw error;
    }
  };
  const all = steps.map((step) => start(step.name));
  // Failures are thrown below, after every running step has come to its end; none may be lost as unhandled.
  const settled = Promise.allSettled(all);
  const waited = await Promise.allSettled(wait.map(start));
  if (waited.some((outcome) => outcome.status === "rejected")) {
    await settled;
    signal?.throwIfAborted();
    throw failures[0];
  }
  const outcome = () => {
    if (failures.length > 0) throw failures[0];
    return results;
  };
  const late = Promise.allSettled(steps.filter((step) => !step.idle).map((step) => start(step.name))).then(outcome);
  const finished = settled.then(() => progress.end()).then(outcome);
  // The caller may look later, or not at all when it has failed for another reason.
  for (const end of [late, finished]) end.catch(() => undefined);
  return { results, late, finished };
}

async function runStep({ step, tools, results, seen, progress, signal }) {
  const key = step.key(results);
  const stamp = readStamp(tools, step);
  if (stamp !== undefined && stamp.key === key && (step.check?.(stamp.result) ?? true)) {
    progress.skip(step);
    return stamp.result;
  }
  const adopted = step.adopt?.();
  if (adopted !== undefined) {
    writeAtomically(stampFile(tools, step), { key, result: adopted, seconds: 0, megabytes: 0 });
    progress.skip(step);
    return adopted;
  }
  progress.start(step);
  const started = performance.now();
  const folder = join(tools, "tmp", `${step.name}-${process.pid}`);
  const scratch = join(tools, "tmp", `${step.name}-scratch-${process.pid}`);
  const log = join(tools, "logs", `${step.name}.log`);
  for (const made of [folder, scratch]) {
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made, { recursive: true });
  }
  rmSync(stampFile(tools, step), { force: true });
  writeFileSync(log, "");
  const place = step.output === undefined ? folder : join(tools, step.output);
  const exec = (command, args, options = {}) => execLogged(command, args, { log, signal, ...options });
  const say = (text) => progress.say(step, text);
  const result = await step.run({ folder, scratch, place, results, exec, say, signal });
  rmSync(scratch, { recursive: true, force: true });
  if (step.output !== undefined) replaceFolder(folder, place, join(tools, "tmp"));
  else rmSync(folder, { recursive: true, force: true });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const megabytes = step.output === undefined ? 0 : sizeInMegabytes(place, seen);
  writeAtomically(stampFile(tools, step), { key, result, seconds, megabytes });
  progress.finish(step, seconds, megabytes);
  return result;
}

/** Puts `folder` in the place of `place`; whatever was there is moved away first, so that the place is never half full. */
export function replaceFolder(folder, place, temporary) {
  mkdirSync(dirname(place), { recursive: true });
  const old = join(temporary, `old-${process.pid}-${Math.round(performance.now() * 1000)}`);
  if (existsSync(place)) renameSync(place, old);
  renameSync(folder, place);
  rmSync(old, { recursive: true, force: true });
}

export function writeAtomically(file, value) {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(temporary, file);
}

/** Surely to be run; a key that changed shows only later, when what the step needs is known. */
function isMissing(tools, step) {
  const stamp = readStamp(tools, step);
  const done = stamp !== undefined && (step.check?.(stamp.result) ?? true);
  return !done && step.adopt?.() === undefined;
}

function stampFile(tools, step) {
  return join(tools, "done", `${step.name}.json`);
}

function readStamp(tools, step) {
  if (!existsSync(stampFile(tools, step))) return undefined;
  try {
    return JSON.parse(readFileSync(stampFile(tools, step), "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // not a stamp of ours: the step runs again
    throw error;
  }
}

/** Folders of a set-up that was killed. The caller holds the lock, so none of them is in use. */
function removeLeftovers(temporary) {
  for (const name of readdirSync(temporary)) {
    rmSync(join(temporary, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

function checkPlan(steps, wait) {
  const known = new Set();
  for (const step of steps) {
    const unknown = (step.needs ?? []).filter((need) => !known.has(need));
    if (unknown.length > 0)
      throw new Error(`step ${step.name} needs ${unknown.join(", ")}, which must stand before it`);
    known.add(step.name);
  }
  const missing = wait.filter((name) => !known.has(name));
  if (missing.length > 0) throw new Error(`no step named ${missing.join(", ")}; steps: ${[...known].join(", ")}`);
}
