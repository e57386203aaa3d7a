/** Methods of one object: get (metadata or media), patch, update, delete, restore. */
import type { Cloud } from "../../cloud";
import { type Behaviour, type Call, HANDLED, type JsonObject } from "../../service";
import { invalid, noObject, required } from "./answers";
import { sendMedia } from "./downloads";
import { changeGeneration, makeLive, removeGeneration } from "./generations";
import { isTrue, one } from "./http";
import { mergePatch } from "./metadata";
import { changedObject, clientPart, refuseUnsupported, sumsOf, writable } from "./object-resource";
import { checkConditions, checkTags, conditionsOf } from "./preconditions";
import { blobsOf, findBucket, findGeneration, isExpired, objectKey } from "./records";
import type { Bucket, Generation } from "./resources";

export const getObject: Behaviour = async (call, cloud) => {
  const object = await readable(call, cloud);
  checkConditions(conditionsOf(call.query), object, "read");
  checkTags(call.http?.request.headers, object.etag, "read");
  if (one(call, "alt") !== "media" || !call.http) return object;
  await sendMedia(cloud, object, call.http);
  return HANDLED;
};

/** The generation that a read means: live, a named one, or a soft-deleted one. */
async function readable(call: Call, cloud: Cloud): Promise<Generation> {
  const bucket = await findBucket(cloud.store, call.path.bucket!);
  const [name, generation] = [call.path.object!, generationOf(call)];
  if (isTrue(one(call, "softDeleted"))) {
    if (generation === undefined) throw required("Required parameter: generation");
    if (one(call, "alt") === "media") throw invalid("The media of a soft-deleted object cannot be read; restore it.");
    return softDeleted(cloud, bucket, name, generation);
  }
  const found = await findGeneration(cloud.store, bucket, name, generation);
  if (!found) throw noObject(call.path.bucket!, name);
  return found.object;
}

async function softDeleted(cloud: Cloud, bucket: Bucket, name: string, generation: string): Promise<Generation> {
  const soft = (await cloud.store.get(objectKey(bucket, "soft", name, generation))) as Generation | undefined;
  if (!soft || isExpired(soft, cloud.now())) throw noObject(bucket.name, name);
  return soft;
}

export const patchObject: Behaviour = (call, cloud) =>
  change(call, cloud, (object, body) => mergePatch(clientPart(object), writable(body)));

export const updateObject: Behaviour = (call, cloud) =>
  change(call, cloud, (_object, body) => mergePatch({}, writable(body)));

async function change(
  call: Call,
  cloud: Cloud,
  metadata: (object: Generation, body: JsonObject) => JsonObject,
): Promise<JsonObject> {
  const at = {
    bucket: call.path.bucket!,
    name: call.path.object!,
    generation: generationOf(call),
    conditions: conditionsOf(call.query),
  };
  return changeGeneration(cloud, at, (object, bucket) => {
    refuseUnsupported(call.http, call.query, bucket);
    checkTags(call.http?.request.headers, object.etag, "write");
    return changedObject(object, metadata(object, call.body), bucket, cloud.now());
  });
}

export const deleteObject: Behaviour = async (call, cloud) => {
  await removeGeneration(cloud, {
    bucket: call.path.bucket!,
    name: call.path.object!,
    generation: generationOf(call),
    conditions: conditionsOf(call.query),
    check: (object) => checkTags(call.http?.request.headers, object.etag, "write"),
  });
  return null;
};

/** A soft-deleted generation becomes a new live one with the same metadata. Source: docs "Objects: restore". */
export const restoreObject: Behaviour = async (call, cloud) => {
  const bucket = await findBucket(cloud.store, call.path.bucket!);
  const [name, generation] = [call.path.object!, generationOf(call)];
  if (generation === undefined) throw required("Required parameter: generation");
  if (await findGeneration(cloud.store, bucket, name, generation))
    throw invalid(`Object ${call.path.bucket}/${name}#${generation} is not soft-deleted.`);
  const soft = await softDeleted(cloud, bucket, name, generation);
  const incoming = await blobsOf(cloud).share(generation);
  try {
    return await makeLive(cloud, {
      bucket: call.path.bucket!,
      name,
      metadata: clientPart(soft),
      incoming,
      sums: sumsOf(soft),
      componentCount: soft.componentCount,
      conditions: conditionsOf(call.query),
    });
  } finally {
    await blobsOf(cloud).discard(incoming);
  }
};

export function generationOf(call: Pick<Call, "query">, parameter = "generation"): string | undefined {
  const value = one(call, parameter);
  if (value !== undefined && !/^\d+$/.test(value)) throw invalid(`Invalid value for ${parameter}: ${value}`);
  return value;
}
