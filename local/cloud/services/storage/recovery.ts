/** At start: removes what a dead process left half done and what has expired; raises the clock of generations. */
import type { Cloud, Store } from "../../cloud";
import { forgetObjects } from "./buckets";
import {
  blobsOf,
  isExpired,
  nextGeneration,
  rewritesPrefix,
  ROOT,
  type Shelf,
  softBucketsPrefix,
  uploadsPrefix,
} from "./records";
import type { Bucket, Generation } from "./resources";
import { SESSION_MS, type Session } from "./resumable";

const BATCH = 1000;

export async function recover(cloud: Cloud): Promise<void> {
  const { store } = cloud;
  for await (const { key, value } of all<Bucket>(store, softBucketsPrefix))
    if (isExpired(value, cloud.now())) {
      await forgetObjects(cloud, value);
      await store.write({ delete: [key] });
    }
  const generations = new Set<string>();
  let last = 0;
  for (const shelf of ["live", "noncurrent", "soft"] satisfies Shelf[])
    for await (const { key, value } of all<Generation>(store, `${ROOT}${shelf}/`)) {
      if (isExpired(value, cloud.now())) await store.write({ delete: [key] });
      else generations.add(value.generation);
      last = Math.max(last, Number(value.generation));
    }
  const sessions = new Set<string>();
  for (const prefix of [uploadsPrefix, rewritesPrefix])
    for await (const { key, value } of all<Pick<Session, "id" | "startedAt" | "object">>(store, prefix))
      if (Date.parse(value.startedAt) + SESSION_MS < cloud.now().getTime()) await store.write({ delete: [key] });
      else if (prefix === uploadsPrefix && value.object === null) sessions.add(value.id);
  const orphans = await blobsOf(cloud).sweep({ generations, sessions });
  const { put } = await nextGeneration(cloud, last);
  await store.write({ put });
  if (orphans > 0)
    cloud.log.warn({ orphans }, "storage: removed files of uploads that were not finished and of expired objects");
}

/** Every entry under a prefix, a batch in memory at a time. */
async function* all<T>(store: Store, prefix: string): AsyncGenerator<{ key: string; value: T }> {
  let startAfter: string | undefined;
  for (;;) {
    const batch = await store.list(prefix, { startAfter, limit: BATCH });
    yield* batch as { key: string; value: T }[];
    if (batch.length < BATCH) return;
    startAfter = batch.at(-1)!.key;
  }
}
