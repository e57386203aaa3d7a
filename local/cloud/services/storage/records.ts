/**
 * What storage keeps in the store: one record per bucket and per object generation, each the API's own resource.
 *
 * Objects stand on one of three shelves (live, noncurrent, soft-deleted) under their bucket's space, which carries the
 * bucket's generation: a bucket made again under a used name does not see the objects of the deleted one.
 */
import { join } from "node:path";
import type { Cloud, Store } from "../../cloud";
import type { JsonObject } from "../../service";
import { noBucket } from "./answers";
import { Blobs } from "./blobs";
import type { Bucket, Generation } from "./resources";

export type Shelf = "live" | "noncurrent" | "soft";

export const ROOT = "storage/";
export const bucketsPrefix = `${ROOT}bucket/`;
export const softBucketsPrefix = `${ROOT}softbucket/`;
export const uploadsPrefix = `${ROOT}upload/`;
export const rewritesPrefix = `${ROOT}rewrite/`;
const clockKey = `${ROOT}clock`;

export const bucketKey = (name: string) => bucketsPrefix + name;
export const softBucketKey = (name: string, generation: string) => `${softBucketsPrefix}${name}@${generation}`;
export const uploadKey = (id: string) => uploadsPrefix + id;
export const rewriteKey = (token: string) => rewritesPrefix + token;

/** Where the objects of one shelf of one bucket begin; the name follows. */
export const shelfPrefix = (bucket: Bucket, shelf: Shelf) => `${ROOT}${shelf}/${bucket.name}@${bucket.generation}/`;

/** A name, or its beginning, as keys have it: in the same order, and two NULs never follow each other in it. */
export const inKey = (name: string) => name.replaceAll("\0", "\0\u0001");

/** What follows the name of a noncurrent or soft-deleted object: two NULs sort before every longer name. */
export const generationInKey = (generation: string) => `\0\0${generation.padStart(20, "0")}`;

/** Live objects are keyed by name, the others by name and generation. */
export function objectKey(bucket: Bucket, shelf: Shelf, name: string, generation = ""): string {
  const key = shelfPrefix(bucket, shelf) + inKey(name);
  return shelf === "live" ? key : key + generationInKey(generation);
}

export async function findBucket(store: Store, name: string): Promise<Bucket> {
  const bucket = await store.get(bucketKey(name));
  if (!bucket) throw noBucket();
  return bucket as Bucket;
}

export async function liveObject(store: Store, bucket: Bucket, name: string): Promise<Generation | undefined> {
  return (await store.get(objectKey(bucket, "live", name))) as Generation | undefined;
}

/** A live or noncurrent generation; without a generation the live one. */
export async function findGeneration(
  store: Store,
  bucket: Bucket,
  name: string,
  generation?: string,
): Promise<{ shelf: Shelf; object: Generation } | undefined> {
  const live = await liveObject(store, bucket, name);
  if (live && (generation === undefined || live.generation === generation)) return { shelf: "live", object: live };
  if (generation === undefined) return undefined;
  const old = await store.get(objectKey(bucket, "noncurrent", name, generation));
  return old && { shelf: "noncurrent", object: old as Generation };
}

export const blobsOf = (cloud: Pick<Cloud, "folder">) => new Blobs(join(cloud.folder, "objects"));

/** Runs a change of a bucket or of one of its objects alone. */
export const alone = <T>(cloud: Cloud, bucket: string, work: () => Promise<T>) =>
  cloud.store.exclusive(`${ROOT}${bucket}`, work);

const clocks = new WeakMap<Store, Promise<{ last: number }>>();

/**
 * A generation: microseconds since 1970, larger than every one before it, also after a restart with the clock set back.
 * The returned `put` belongs into the same write as the record that uses it.
 *
 * @param atLeast the largest generation found in the records at start
 */
export async function nextGeneration(
  cloud: Cloud,
  atLeast = 0,
): Promise<{ generation: string; put: Record<string, JsonObject> }> {
  const { store } = cloud;
  const known = clocks.get(store) ?? store.get(clockKey).then((stored) => ({ last: Number(stored?.last ?? 0) }));
  clocks.set(store, known);
  const clock = await known;
  clock.last = Math.max(cloud.now().getTime() * 1000, clock.last + 1, atLeast + 1);
  return { generation: String(clock.last), put: { [clockKey]: { last: String(clock.last) } } };
}

/** Soft-deleted resources end at their hard delete time, whether or not they were swept yet. */
export const isExpired = (resource: { hardDeleteTime?: string }, now: Date) =>
  resource.hardDeleteTime !== undefined && Date.parse(resource.hardDeleteTime) <= now.getTime();
