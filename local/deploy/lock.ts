/** One deployment of a stack at a time: a lock that names its holder and that outlives no process. */
import { link, mkdir, unlink, writeFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { dirname } from "node:path";
import { startedAt } from "../process";
import { DeployError } from "./errors";
import { readIfThere } from "./state-files";

interface Holder {
  pid: number;
  /** When the process began, so that a reused pid is not taken for it. */
  began: string;
  host: string;
  user: string;
  operation: string;
  since: string;
}

/** @returns the function that gives the lock back. */
export async function lock(path: string, operation: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const me: Holder = {
    pid: process.pid,
    began: startedAt(process.pid) ?? "",
    host: hostname(),
    user: userInfo().username,
    operation,
    since: new Date().toISOString(),
  };
  const mine = JSON.stringify(me);
  while (!(await claim(path, mine))) {
    const held = await readIfThere(path);
    if (held === undefined) continue;
    const holder = parseHolder(held);
    if (holder && isAlive(holder))
      throw new DeployError(
        `Stack is being changed: "${holder.operation}" by ${holder.user}@${holder.host} (process ${holder.pid}) since ${holder.since}. Wait for it, or stop it: kill ${holder.pid}`,
      );
    await removeDead(path, held);
  }
  return async () => {
    if ((await readIfThere(path)) === mine) await unlink(path);
  };
}

/** Writes the whole lock or none of it: a linked file is complete before it has its name. */
async function claim(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, content, { mode: 0o600 });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}

/** Of several that find the same dead holder one removes it: who removes holds a second lock while doing so. */
async function removeDead(path: string, seen: string): Promise<void> {
  const release = await lock(`${path}.takeover`, "take over a dead lock");
  try {
    if ((await readIfThere(path)) === seen) await unlink(path);
  } finally {
    await release();
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined; // A file that no holder wrote holds nothing.
  }
}

function isAlive({ pid, began, host }: Holder): boolean {
  return host !== hostname() || startedAt(pid) === began;
}
