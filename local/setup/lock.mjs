/**
 * One set-up at a time. Locks are numbered files `lock.1`, `lock.2` ... in one folder; the highest number counts. It is
 * free when `lock.<n>.free` stands beside it or its holder's process is gone; whoever makes the next number holds it.
 * Making a file under a new name is atomic, so a dead holder's lock can be taken over without a race.
 */
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/**
 * Waits for the lock and resolves with the function that frees it.
 * `onWait` is called once for each holder that is waited for.
 */
export async function takeLock(folder, { purpose, onWait = () => undefined, signal, pollMs = 200 } = {}) {
  mkdirSync(folder, { recursive: true });
  const me = { pid: process.pid, born: bornOf(process.pid), purpose, since: new Date().toISOString() };
  let told;
  for (;;) {
    signal?.throwIfAborted();
    const current = highest(folder);
    const holder = current === 0 ? undefined : holderOf(folder, current);
    if (holder === undefined) {
      if (create(folder, current + 1, me)) return release(folder, current + 1);
      continue;
    }
    if (told !== current) onWait(holder);
    told = current;
    await wait(pollMs, undefined, { signal });
  }
}

function release(folder, number) {
  for (const name of readdirSync(folder)) if (numberOf(name) < number) rmSync(join(folder, name), { force: true });
  return () => writeFileSync(join(folder, `lock.${number}.free`), "");
}

/** True if `me` now holds `lock.<number>`; exported for the test of a race that processes hardly ever meet. */
export function create(folder, number, me) {
  const draft = join(folder, `draft.${process.pid}.${Math.round(performance.now() * 1000)}`);
  const file = join(folder, `lock.${number}`);
  writeFileSync(draft, JSON.stringify(me));
  try {
    linkSync(draft, file);
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  if (highest(folder) === number) return true;
  rmSync(file); // others went on in the meantime and had cleaned this number away
  return false;
}

/** Who holds that lock, or undefined when it is free. */
function holderOf(folder, number) {
  if (readdirSync(folder).includes(`lock.${number}.free`)) return undefined;
  let holder;
  try {
    holder = JSON.parse(readFileSync(join(folder, `lock.${number}`), "utf8"));
  } catch (error) {
    if (error.code === "ENOENT" || error instanceof SyntaxError) return undefined; // cleaned away, or cut off by a crash
    throw error;
  }
  const born = bornOf(holder.pid);
  return born !== undefined && born === holder.born ? holder : undefined;
}

function highest(folder) {
  return Math.max(0, ...readdirSync(folder).map(numberOf).filter(Number.isFinite));
}

function numberOf(name) {
  return Number(/^lock\.(\d+)(?:\.free)?$/.exec(name)?.[1] ?? NaN);
}

/**
 * When a process was started, in the system's own words, so that a number that was given to another process in the
 * meantime is not taken for the holder; undefined when there is no such process.
 */
export function bornOf(pid) {
  if (process.platform === "linux") {
    try {
      // Field 22 of stat; the second field is the command in brackets and may hold blanks.
      return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ")[19];
    } catch (error) {
      if (error.code === "ENOENT" || error.code === "ESRCH") return undefined;
      throw error;
    }
  }
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch (error) {
    if (error.status === 1) return undefined;
    throw error;
  }
}
