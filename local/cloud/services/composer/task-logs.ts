/**
 * Logs of an Airflow's tasks, delivered to `logs/` of its environment's bucket, where they stay when the environment goes.
 * Source: https://cloud.google.com/composer/docs/composer-3/view-logs
 */
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../../cloud";
import { listObjects, writeObject } from "../storage/objects";

export const LOGS = "logs/";
/** Airflow's own parts write beside them: Composer sends those elsewhere. */
const OF_A_TASK = /^dag_id=.+\.log$/;

/** Gives what delivers the logs that have grown since it did so before; what an earlier cloud delivered is known. */
export function logDelivery(cloud: Cloud, bucket: string, folder: string): () => Promise<void> {
  let delivered: Map<string, number> | undefined;
  return async () => {
    delivered ??= new Map((await listObjects(cloud, bucket, LOGS)).map(({ name, size }) => [name, size]));
    for (const path of await logsBelow(folder)) {
      const file = join(folder, path);
      const name = LOGS + path;
      // They only grow; the part that is not delivered now is seen the next time.
      const { size } = await stat(file);
      if (size === 0 || delivered.get(name) === size) continue;
      const part = createReadStream(file, { end: size - 1 });
      await writeObject(cloud, { bucket, name, contentType: "text/plain" }, part);
      delivered.set(name, size);
    }
  };
}

async function logsBelow(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { recursive: true })).filter((path) => OF_A_TASK.test(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
