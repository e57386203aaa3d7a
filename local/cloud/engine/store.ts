/** The cloud's state: ordered keys and JSON values in LevelDB, every write synced before its promise resolves. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../cloud";
import { StartError } from "../errors";
import type { JsonObject } from "../service";
import { DurableLevel, type Level } from "./level";

/**
 * Opens the state in `folder` (made if missing). One process at a time: LevelDB's lock is released by the kernel when
 * its holder dies, so a lock that is held belongs to a living process.
 */
export async function openStore(folder: string): Promise<Store> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const level = await DurableLevel.open(folder).catch((error: unknown) => {
    throw isLocked(error) ? new StartError(lockedMessage(folder)) : error;
  });
  writeFileSync(ownerFile(folder), JSON.stringify({ pid: process.pid, since: new Date().toISOString() }), {
    mode: 0o600,
  });
  return {
    get: (key) => level.use((open) => open.get(key)),
    list: (prefix, options) => level.use((open) => list(open, prefix, options)),
    write: async ({ put = {}, delete: keys = [] }) => {
      const puts = Object.entries(put).map(([key, value]) => ({ type: "put" as const, key, value }));
      const deletes = keys.map((key) => ({ type: "del" as const, key }));
      if (puts.length + deletes.length > 0) await level.write([...deletes, ...puts]);
    },
    exclusive: keyedMutex(),
    close: () => level.close(),
  };
}

async function list(
  level: Level,
  prefix: string,
  { startAfter, limit = Infinity }: { startAfter?: string; limit?: number } = {},
): Promise<{ key: string; value: JsonObject }[]> {
  const entries: { key: string; value: JsonObject }[] = [];
  if (limit <= 0) return entries;
  const from = startAfter !== undefined && startAfter >= prefix ? { gt: startAfter } : { gte: prefix };
  for await (const [key, value] of level.iterator(from)) {
    if (!key.startsWith(prefix)) break;
    entries.push({ key, value });
    if (entries.length >= limit) break;
  }
  return entries;
}

/** Work on one key runs one after the other; a failure of one does not fail the next. Not reentrant. */
function keyedMutex(): Store["exclusive"] {
  const tails = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = tails.get(key) ?? Promise.resolve();
    const run = before.then(work, work);
    // The tail only orders; who called gets the failure.
    const tail = run.then(
      () => undefined,
      () => undefined,
    );
    tails.set(key, tail);
    try {
      return await run;
    } finally {
      if (tails.get(key) === tail) tails.delete(key);
    }
  };
}

const ownerFile = (folder: string) => join(folder, "owner.json");

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined;
  return cause?.code === "LEVEL_LOCKED";
}

function lockedMessage(folder: string): string {
  const owner = existsSync(ownerFile(folder)) ? readFileSync(ownerFile(folder), "utf8") : "unknown";
  return `State in ${folder}: in use by another process (${owner}); expected to be its only user. Stop that cloud with npx sparklab down.`;
}
