/**
 * Methods that make objects of objects: copy, rewrite, move, compose. Copied bytes are shared on disk, not moved.
 * Source: docs "Objects: copy", "Objects: rewrite", "Objects: move", "Objects: compose", "Composite objects".
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { Cloud } from "../../cloud";
import type { Behaviour, Call } from "../../service";
import { conditionNotMet, explain, invalid, noObject, required } from "./answers";
import { checkSums } from "./checksums";
import { makeLive } from "./generations";
import { one } from "./http";
import { objectOr, omit } from "./metadata";
import { clientPart, expectedOf, refuseUnsupported, sumsOf, writable } from "./object-resource";
import { generationOf } from "./objects-api";
import { checkConditions, conditionsOf } from "./preconditions";
import { blobsOf, findBucket, findGeneration, rewriteKey } from "./records";
import type { Bucket, Generation } from "./resources";

const MIB = 1 << 20;

export const copyObject: Behaviour = async (call, cloud) => copy(call, cloud, await source(call, cloud));

/** Done at once, except across locations or storage classes with a limit of bytes per call, which works through tokens. */
export const rewriteObject: Behaviour = async (call, cloud) => {
  const from = await source(call, cloud);
  const size = Number(from.object.size);
  const written = await progress(call, cloud, from);
  const answer = {
    kind: "storage#rewriteResponse",
    totalBytesRewritten: String(written.bytes),
    objectSize: String(size),
  };
  if (written.bytes < size) return { ...answer, done: false, rewriteToken: written.token };
  const resource = await copy(call, cloud, from);
  if (written.stored) await cloud.store.write({ delete: [rewriteKey(written.token)] });
  return { ...answer, done: true, resource };
};

/** Renames within a bucket, as one change. */
export const moveObject: Behaviour = async (call, cloud) => {
  const names = { sourceBucket: call.path.bucket!, destinationBucket: call.path.bucket! };
  const renamed: Call = { ...call, body: {}, path: { ...call.path, ...names } };
  if (call.path.sourceObject === call.path.destinationObject)
    throw invalid("The source and destination of a move must differ.");
  return copy(renamed, cloud, await source(renamed, cloud), [call.path.sourceObject!]);
};

interface Source {
  bucket: Bucket;
  object: Generation;
}

async function source(call: Call, cloud: Cloud): Promise<Source> {
  const bucket = await findBucket(cloud.store, call.path.sourceBucket!);
  const found = await findGeneration(
    cloud.store,
    bucket,
    call.path.sourceObject!,
    generationOf(call, "sourceGeneration"),
  );
  if (!found) throw noObject(call.path.sourceBucket!, call.path.sourceObject!);
  checkConditions(conditionsOf(call.query, "ifSource"), found.object, "write");
  return { bucket, object: found.object };
}

/** The body's metadata replaces the source's as a whole; an empty body keeps it. */
async function copy(call: Call, cloud: Cloud, from: Source, removes?: readonly string[]): Promise<Generation> {
  const bucket = await findBucket(cloud.store, call.path.destinationBucket!);
  refuseUnsupported(call.http, call.query, bucket);
  checkSums(sumsOf(from.object), expectedOf(call.body));
  const sent = writable(call.body);
  // Holds stay with the source; the class is the request's, else the destination bucket's default.
  const kept = omit(clientPart(from.object), ["temporaryHold", "eventBasedHold", "storageClass"]);
  const metadata = Object.keys(sent).length > 0 ? sent : kept;
  const incoming = await blobsOf(cloud).share(from.object.generation).catch(vanished(from.object));
  try {
    return await makeLive(cloud, {
      bucket: call.path.destinationBucket!,
      name: call.path.destinationObject!,
      metadata,
      incoming,
      sums: sumsOf(from.object),
      componentCount: from.object.componentCount,
      conditions: conditionsOf(call.query),
      removes,
    });
  } catch (error) {
    return explain(error);
  } finally {
    await blobsOf(cloud).discard(incoming);
  }
}

/** How far a rewrite has got with this call. */
async function progress(
  call: Call,
  cloud: Cloud,
  from: Source,
): Promise<{ bytes: number; token: string; stored: boolean }> {
  const size = Number(from.object.size);
  const limit = one(call, "maxBytesRewrittenPerCall");
  if (limit !== undefined && (!/^\d+$/.test(limit) || Number(limit) === 0 || Number(limit) % MIB !== 0))
    throw invalid(`Invalid value for maxBytesRewrittenPerCall: got ${limit}; expected a multiple of ${MIB}.`);
  const to = await findBucket(cloud.store, call.path.destinationBucket!);
  const sameClass = (call.body.storageClass ?? to.storageClass) === from.object.storageClass;
  const token = one(call, "rewriteToken");
  if (token === undefined && (limit === undefined || (to.location === from.bucket.location && sameClass)))
    return { bytes: size, token: "", stored: false };
  const names = ["sourceBucket", "sourceObject", "destinationBucket", "destinationObject"].map((key) => call.path[key]);
  const request = JSON.stringify([names, from.object.generation, limit ?? null]);
  const own = createHash("sha256").update(request).digest("base64url");
  if (token !== undefined && token !== own)
    throw invalid("Invalid value for rewriteToken: it belongs to another rewrite, or the source has changed.");
  const before = token === undefined ? 0 : Number((await cloud.store.get(rewriteKey(own)))?.bytes ?? 0);
  const bytes = Math.min(size, before + Number(limit ?? size));
  if (bytes < size)
    await cloud.store.write({ put: { [rewriteKey(own)]: { bytes, startedAt: cloud.now().toISOString() } } });
  return { bytes, token: own, stored: token !== undefined };
}

interface Component {
  name?: string;
  generation?: string;
  objectPreconditions?: { ifGenerationMatch?: string };
}

/** Concatenates up to 32 objects; the result has a CRC32C and a component count, no MD5. */
export const composeObject: Behaviour = async (call, cloud) => {
  const name = call.path.destinationBucket!;
  const bucket = await findBucket(cloud.store, name);
  refuseUnsupported(call.http, call.query, bucket);
  const components = (call.body.sourceObjects ?? []) as unknown as Component[];
  if (components.length === 0) throw required("You must provide at least one source component.");
  if (components.length > 32) throw invalid(`The number of source components provided (${components.length} > 32)`);
  const parts: Generation[] = [];
  for (const component of components) parts.push(await componentOf(cloud, bucket, component));
  const destination = objectOr(call.body.destination);
  const { path: incoming, sums } = await blobsOf(cloud)
    .receive(Readable.from(concatenated(cloud, parts)))
    .catch(explain);
  try {
    checkSums(sums, expectedOf(destination));
    return await makeLive(cloud, {
      bucket: name,
      name: call.path.destinationObject!,
      metadata: writable(destination),
      incoming,
      sums: { size: sums.size, crc32c: sums.crc32c },
      componentCount: parts.reduce((count, part) => count + (part.componentCount ?? 1), 0),
      conditions: conditionsOf(call.query),
      removes: call.body.deleteSourceObjects === true ? components.map((component) => component.name!) : undefined,
    });
  } finally {
    await blobsOf(cloud).discard(incoming);
  }
};

async function componentOf(cloud: Cloud, bucket: Bucket, component: Component): Promise<Generation> {
  if (!component.name) throw required("Each source component needs a name.");
  const found = await findGeneration(cloud.store, bucket, component.name, component.generation);
  if (!found) throw noObject(bucket.name, component.name);
  const wanted = component.objectPreconditions?.ifGenerationMatch;
  if (wanted !== undefined && wanted !== found.object.generation) throw conditionNotMet();
  return found.object;
}

async function* concatenated(cloud: Cloud, parts: Generation[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield* blobsOf(cloud).read(part.generation) as AsyncIterable<Buffer>;
}

/** The source was deleted between its look-up and the copy. */
const vanished =
  (object: Generation) =>
  (error: NodeJS.ErrnoException): never => {
    throw error.code === "ENOENT" ? noObject(object.bucket, object.name) : error;
  };
