/**
 * Objects for the other services of this process: the same records and bytes as clients see, without HTTP. Reading and
 * writing are durable and follow the rules of the API (versioning, soft delete, holds).
 */
import { Readable } from "node:stream";
import type { Cloud } from "../../cloud";
import { explain, noObject } from "./answers";
import { makeLive } from "./generations";
import { listPage } from "./listing";
import { writable } from "./object-resource";
import { blobsOf, findBucket, liveObject } from "./records";
import type { Generation } from "./resources";

export interface StoredObject {
  size: number;
  generation: string;
  contentType?: string;
}

/** Throws Google's 404 if bucket or object are not there. */
export async function readObject(
  cloud: Cloud,
  bucket: string,
  name: string,
): Promise<StoredObject & { stream: Readable }> {
  const object = await find(cloud, bucket, name);
  return { ...summary(object), stream: blobsOf(cloud).read(object.generation) };
}

/** Replaces the object; resolves when it is durable. */
export async function writeObject(
  cloud: Cloud,
  object: { bucket: string; name: string; contentType?: string; metadata?: Record<string, string> },
  content: Readable | Buffer | string,
): Promise<StoredObject> {
  await findBucket(cloud.store, object.bucket);
  const stream = content instanceof Readable ? content : Readable.from([Buffer.from(content)]);
  const { path: incoming, sums } = await blobsOf(cloud).receive(stream).catch(explain);
  const { bucket, name, contentType, metadata } = object;
  const fields = writable({ ...(contentType ? { contentType } : {}), ...(metadata ? { metadata } : {}) });
  try {
    return summary(await makeLive(cloud, { bucket, name, metadata: fields, incoming, sums, conditions: {} }));
  } finally {
    await blobsOf(cloud).discard(incoming);
  }
}

/** All live objects under a prefix, in the order of their names. */
export async function listObjects(
  cloud: Cloud,
  bucket: string,
  prefix = "",
): Promise<(StoredObject & { name: string })[]> {
  const found = await findBucket(cloud.store, bucket);
  const objects: (StoredObject & { name: string })[] = [];
  let pageToken: string | undefined;
  do {
    const page = await listPage(cloud.store, found, {
      prefix,
      shelves: ["live"],
      maxResults: 1000,
      pageToken,
      now: cloud.now(),
    });
    objects.push(...page.items.map((item) => ({ ...summary(item), name: item.name })));
    pageToken = page.nextPageToken;
  } while (pageToken);
  return objects;
}

/** Path of an object's bytes, to be read only; valid until the object is replaced or deleted. */
export async function localPath(cloud: Cloud, bucket: string, name: string): Promise<string> {
  return blobsOf(cloud).path((await find(cloud, bucket, name)).generation);
}

async function find(cloud: Cloud, bucket: string, name: string): Promise<Generation> {
  const object = await liveObject(cloud.store, await findBucket(cloud.store, bucket), name);
  if (!object) throw noObject(bucket, name);
  return object;
}

const summary = (object: Generation): StoredObject => ({
  size: Number(object.size),
  generation: object.generation,
  ...(object.contentType !== undefined ? { contentType: object.contentType } : {}),
});
