/**
 * The life of a generation: becoming live, being replaced, deleted, restored, forgotten. Every change of an object's state
 * goes through here, one at a time per bucket, and is one write to the store.
 *
 * Order of a new generation: bytes synced under a name of their own, then the record. A crash between the two leaves bytes
 * without a record (swept at the next start), never a record without bytes.
 */
import type { Cloud } from "../../cloud";
import type { JsonObject } from "../../service";
import { noObject } from "./answers";
import type { Sums } from "./checksums";
import { checkMutable, checkObjectName, newObject } from "./object-resource";
import { checkConditions, type Conditions } from "./preconditions";
import {
  alone,
  blobsOf,
  findBucket,
  findGeneration,
  liveObject,
  nextGeneration,
  objectKey,
  type Shelf,
} from "./records";
import type { Bucket, Generation } from "./resources";

export interface Arrival {
  bucket: string;
  name: string;
  metadata: JsonObject;
  /** Incoming file with all bytes, synced; gone when the object is live, left to the caller when the change is refused. */
  incoming: string;
  sums: Sums;
  componentCount?: number;
  conditions: Conditions;
  /** Live objects of the same bucket that this change removes (a move's source, a compose's sources). */
  removes?: readonly string[];
  /** More records of the same write, e.g. the end of an upload session. */
  also?: (object: Generation) => { put?: Record<string, JsonObject>; delete?: readonly string[] };
}

/** Makes bytes the live generation of a name. */
export async function makeLive(cloud: Cloud, arrival: Arrival): Promise<Generation> {
  checkObjectName(arrival.name);
  const object = await alone(cloud, arrival.bucket, () => publish(cloud, arrival));
  await blobsOf(cloud).discard(arrival.incoming);
  return object;
}

async function publish(cloud: Cloud, arrival: Arrival): Promise<Generation> {
  const [blobs, now] = [blobsOf(cloud), cloud.now()];
  const bucket = await findBucket(cloud.store, arrival.bucket);
  const live = await liveObject(cloud.store, bucket, arrival.name);
  checkConditions(arrival.conditions, live, "write");
  const { generation, put: clock } = await nextGeneration(cloud);
  const object = newObject({ ...arrival, bucket, generation, now });
  const retired: Retired[] = live ? [retire(live, bucket, now)] : [];
  for (const name of arrival.removes ?? []) {
    const source = await liveObject(cloud.store, bucket, name);
    if (name !== arrival.name && source) retired.push(retire(source, bucket, now));
  }
  const also = arrival.also?.(object);
  await blobs.publish(arrival.incoming, generation);
  try {
    await cloud.store.write({
      put: {
        ...Object.assign({}, ...retired.map((change) => change.put)),
        ...also?.put,
        ...clock,
        [objectKey(bucket, "live", arrival.name)]: object,
      },
      delete: [
        ...retired.flatMap((change) => change.delete).filter((key) => key !== objectKey(bucket, "live", arrival.name)),
        ...(also?.delete ?? []),
      ],
    });
  } catch (error) {
    // A write that failed may be found all the same when the state was opened anew: bytes go only without a record.
    const found = await liveObject(cloud.store, bucket, arrival.name);
    if (found?.generation !== generation) await blobs.remove([generation]);
    throw error;
  }
  await blobs.remove(retired.flatMap((change) => change.drop));
  return object;
}

/** Deletes the live generation (kept as noncurrent under versioning) or exactly the named one. */
export async function removeGeneration(
  cloud: Cloud,
  at: {
    bucket: string;
    name: string;
    generation?: string;
    conditions: Conditions;
    check?: (object: Generation) => void;
  },
): Promise<void> {
  await alone(cloud, at.bucket, async () => {
    const bucket = await findBucket(cloud.store, at.bucket);
    const found = await findGeneration(cloud.store, bucket, at.name, at.generation);
    if (!found) throw noObject(at.bucket, at.name);
    checkConditions(at.conditions, found.object, "write");
    at.check?.(found.object);
    const change = retire(found.object, bucket, cloud.now(), {
      shelf: found.shelf,
      forGood: at.generation !== undefined,
    });
    await cloud.store.write({ put: change.put, delete: change.delete });
    await blobsOf(cloud).remove(change.drop);
  });
}

/** What a generation's retirement writes; `drop` are the generations whose bytes go. */
export interface Retired {
  put: Record<string, JsonObject>;
  delete: string[];
  drop: string[];
}

/**
 * Where a generation goes that stops being live: under versioning it becomes noncurrent, else (or when it was named by its
 * generation) soft-deleted for the bucket's retention, else it is gone.
 * Source: docs "Object Versioning", "Soft delete".
 */
export function retire(
  object: Generation,
  bucket: Bucket,
  now: Date,
  from: { shelf: Shelf; forGood: boolean } = { shelf: "live", forGood: false },
): Retired {
  checkMutable(object, bucket, now);
  const { name, generation } = object;
  const key = objectKey(bucket, from.shelf, name, generation);
  const time = now.toISOString();
  if (bucket.versioning?.enabled && !from.forGood)
    return {
      put: { [objectKey(bucket, "noncurrent", name, generation)]: { ...object, timeDeleted: time } },
      delete: [key],
      drop: [],
    };
  const seconds = Number(bucket.softDeletePolicy.retentionDurationSeconds);
  if (seconds === 0) return { put: {}, delete: [key], drop: [generation] };
  const hardDeleteTime = new Date(now.getTime() + seconds * 1000).toISOString();
  const soft = { ...object, softDeleteTime: time, hardDeleteTime };
  return { put: { [objectKey(bucket, "soft", name, generation)]: soft }, delete: [key], drop: [] };
}

/** Changes the metadata of a generation in place. */
export async function changeGeneration(
  cloud: Cloud,
  at: { bucket: string; name: string; generation?: string; conditions: Conditions },
  change: (object: Generation, bucket: Bucket) => Generation,
): Promise<Generation> {
  return alone(cloud, at.bucket, async () => {
    const bucket = await findBucket(cloud.store, at.bucket);
    const found = await findGeneration(cloud.store, bucket, at.name, at.generation);
    if (!found) throw noObject(at.bucket, at.name);
    checkConditions(at.conditions, found.object, "write");
    const object = change(found.object, bucket);
    const key = objectKey(bucket, found.shelf, at.name, object.generation);
    await cloud.store.write({ put: { [key]: object } });
    return object;
  });
}
