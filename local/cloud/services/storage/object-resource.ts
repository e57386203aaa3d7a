/** The object resource: what a client may set, what the service sets, and what protects an object from change. */
import type { JsonObject } from "../../service";
import { forbidden, invalid, required, unimplemented } from "./answers";
import { checkStorageClass } from "./bucket-rules";
import type { ExpectedSums, Sums } from "./checksums";
import type { Exchange } from "./http";
import { etagOf, mergePatch, omit, pick } from "./metadata";
import type { Query } from "./preconditions";
import type { Bucket, Generation } from "./resources";

/** Metadata that a client may write. Source: docs "Objects", resource representations, "writable". */
const WRITABLE = [
  ...["cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "contentType", "customTime"],
  ...["metadata", "storageClass", "temporaryHold", "eventBasedHold"],
];

/** Source: docs "Object names": 1 to 1024 bytes of UTF-8 without CR and LF, not `.` or `..`. */
export function checkObjectName(name: unknown): asserts name is string {
  if (typeof name !== "string" || name === "") throw required("Required parameter: name");
  const bytes = Buffer.byteLength(name);
  const problems = [
    bytes > 1024 && `its UTF-8 form has ${bytes} bytes; expected 1 to 1024`,
    /[\r\n]/.test(name) && "it contains a carriage return or line feed",
    (name === "." || name === "..") && "it is . or ..",
    name.startsWith(".well-known/acme-challenge/") && "it begins with .well-known/acme-challenge/",
  ].filter(Boolean);
  if (problems.length > 0) throw invalid(`Invalid object name: '${name}': ${problems.join(", ")}.`);
}

/** The client's part of an object, nulls kept; refuses what would be stored without effect. */
export function writable(body: JsonObject): JsonObject {
  for (const [field, feature] of [
    ["kmsKeyName", "Encryption by a customer-managed key"],
    ["retention", "Object retention"],
    ["contexts", "Object contexts"],
  ] as const)
    if (body[field] !== undefined && body[field] !== null) throw unimplemented(feature);
  if (Array.isArray(body.acl) && body.acl.length > 0) throw unimplemented("An access control list");
  if (body.storageClass !== null) checkStorageClass(body.storageClass);
  const time = body.customTime ?? null;
  if (time !== null && (typeof time !== "string" || Number.isNaN(Date.parse(time))))
    throw invalid(`Invalid value for customTime: got ${JSON.stringify(time)}; expected a time as in RFC 3339.`);
  return pick(body, WRITABLE);
}

/** A new live generation. */
export function newObject(args: {
  bucket: Bucket;
  name: string;
  /** The client's metadata, already `writable`. */
  metadata: JsonObject;
  sums: Sums;
  componentCount?: number;
  generation: string;
  now: Date;
}): Generation {
  const { name, generation, sums } = args;
  const time = args.now.toISOString();
  const path = `b/${args.bucket.name}/o/${encodeURIComponent(name)}`;
  const object = {
    kind: "storage#object",
    id: `${args.bucket.name}/${name}/${generation}`,
    selfLink: `https://www.googleapis.com/storage/v1/${path}`,
    mediaLink: `https://storage.googleapis.com/download/storage/v1/${path}?generation=${generation}&alt=media`,
    name,
    bucket: args.bucket.name,
    generation,
    metageneration: "1",
    storageClass: args.bucket.storageClass,
    ...mergePatch({}, args.metadata),
    size: String(sums.size),
    crc32c: sums.crc32c,
    ...(sums.md5Hash === undefined ? {} : { md5Hash: sums.md5Hash }),
    ...(args.componentCount === undefined ? {} : { componentCount: args.componentCount }),
    etag: etagOf("1", generation),
    timeCreated: time,
    updated: time,
    timeStorageClassUpdated: time,
    timeFinalized: time,
  };
  return withRetention(object, args.bucket);
}

/** New metadata on the same generation: `next` is all that the client set. */
export function changedObject(current: Generation, next: JsonObject, bucket: Bucket, now: Date): Generation {
  const metageneration = String(Number(current.metageneration) + 1);
  if (next.storageClass !== undefined && next.storageClass !== current.storageClass)
    throw invalid("The storage class of an object cannot be changed by an update; rewrite the object.");
  if (current.customTime !== undefined && current.customTime !== next.customTime) {
    const time = typeof next.customTime === "string" ? Date.parse(next.customTime) : -Infinity;
    if (time < Date.parse(current.customTime))
      throw invalid("Custom time cannot be removed or set to an earlier time.");
  }
  const changed = {
    ...omit(current, [...WRITABLE, "retentionExpirationTime"]),
    storageClass: current.storageClass,
    ...next,
    metageneration,
    updated: now.toISOString(),
    etag: etagOf(metageneration, current.generation),
  };
  return withRetention(changed as JsonObject as Generation, bucket);
}

export const clientPart = (object: Generation): JsonObject => pick(object, WRITABLE);

/** Source: docs "Bucket Lock", "Retention expiration time". */
function withRetention(object: Generation, bucket: Bucket): Generation {
  if (!bucket.retentionPolicy || object.eventBasedHold) return object;
  const expires = Date.parse(object.timeCreated) + Number(bucket.retentionPolicy.retentionPeriod) * 1000;
  return { ...object, retentionExpirationTime: new Date(expires).toISOString() };
}

/** Refuses to delete, overwrite or archive a held or retained object. Source: docs "Object holds", "Bucket Lock". */
export function checkMutable(object: Generation, bucket: Bucket, now: Date): void {
  const what = `Object '${object.bucket}/${object.name}'`;
  const until = "and cannot be deleted, overwritten or archived until";
  if (object.temporaryHold)
    throw forbidden(`${what} is under active Temporary hold ${until} hold is removed.`, "objectUnderActiveHold");
  if (object.eventBasedHold)
    throw forbidden(`${what} is under active Event-Based hold ${until} hold is removed.`, "objectUnderActiveHold");
  const expires = bucket.retentionPolicy && withRetention(object, bucket).retentionExpirationTime;
  if (expires !== undefined && Date.parse(expires) > now.getTime())
    throw forbidden(`${what} is subject to bucket's retention policy ${until} ${expires}.`, "retentionPolicyNotMet");
}

/** `md5Hash` and `crc32c` of the metadata are promises about the media. */
export const expectedOf = (metadata: JsonObject): ExpectedSums => ({
  ...(typeof metadata.md5Hash === "string" ? { md5Hash: metadata.md5Hash } : {}),
  ...(typeof metadata.crc32c === "string" ? { crc32c: metadata.crc32c } : {}),
});

export const sumsOf = ({ size, crc32c, md5Hash }: Generation): Sums => ({
  size: Number(size),
  crc32c,
  ...(md5Hash === undefined ? {} : { md5Hash }),
});

/** The query parameter `contentEncoding` is a short form of the metadata field. */
export const withEncoding = (metadata: JsonObject, query: Query): JsonObject =>
  typeof query.contentEncoding === "string" ? { contentEncoding: query.contentEncoding, ...metadata } : metadata;

/** Keys and access lists would be kept without effect. Source: docs "Uniform bucket-level access". */
export function refuseUnsupported(http: Exchange | undefined, query: Query, bucket: Bucket): void {
  if (http?.request.headers["x-goog-encryption-key"]) throw unimplemented("Encryption by a customer-supplied key");
  if (query.kmsKeyName ?? query.destinationKmsKeyName) throw unimplemented("Encryption by a customer-managed key");
  const acl = query.predefinedAcl ?? query.destinationPredefinedAcl;
  if (acl === undefined || acl === "projectPrivate") return;
  if (bucket.iamConfiguration.uniformBucketLevelAccess.enabled)
    throw invalid(
      "Cannot insert legacy ACL for an object when uniform bucket-level access is enabled. Read more at https://cloud.google.com/storage/docs/uniform-bucket-level-access",
    );
  throw unimplemented(`The predefined access control list ${JSON.stringify(acl)}`);
}
