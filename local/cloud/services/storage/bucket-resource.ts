/** The bucket resource: how a request becomes what is stored, with the service's defaults and server-set fields. */
import type { Json, JsonObject } from "../../service";
import { forbidden, invalid } from "./answers";
import { checkBucket, locationOf } from "./bucket-rules";
import { etagOf, mergePatch, objectOr, omit, pick } from "./metadata";
import type { Bucket, RetentionPolicy, UniformAccess } from "./resources";

/** Set by the service alone; values of a request are ignored. Source: docs "Buckets", resource representations. */
const SERVER_SET = [
  ...["kind", "id", "selfLink", "projectNumber", "generation", "metageneration", "etag", "timeCreated", "updated"],
  ...["locationType", "owner", "softDeleteTime", "hardDeleteTime", "satisfiesPZS", "satisfiesPZI"],
];
/** Fixed at creation. Source: the same page. */
const IMMUTABLE = ["name", "location", "hierarchicalNamespace", "customPlacementConfig", "objectRetention"];

/** What a bucket has when nothing is said. Source: the same page, and "Soft delete". */
const DEFAULTS: JsonObject = { storageClass: "STANDARD", softDeletePolicy: { retentionDurationSeconds: "604800" } };

/** Uniform access can be turned off for 90 days. Source: docs "Uniform bucket-level access". */
const UNIFORM_LOCK_MS = 90 * 86400 * 1000;

export function newBucket(args: {
  name: string;
  body: JsonObject;
  projectNumber: string;
  generation: string;
  now: Date;
}): Bucket {
  const bucket: JsonObject = {
    ...DEFAULTS,
    ...omit(args.body, SERVER_SET),
    ...locationOf(args.body.location),
    kind: "storage#bucket",
    id: args.name,
    name: args.name,
    selfLink: `https://www.googleapis.com/storage/v1/b/${args.name}`,
    projectNumber: args.projectNumber,
    generation: args.generation,
    timeCreated: args.now.toISOString(),
  };
  checkBucket(bucket);
  return complete(bucket, undefined, args.now);
}

/** PATCH merges into what is stored; what is taken away gets its default. */
export const patchedBucket = (current: Bucket, patch: JsonObject, now: Date) =>
  changedBucket(current, { ...DEFAULTS, ...mergePatch(current, omit(patch, SERVER_SET)) }, now);

/** PUT replaces all that a client may write. */
export const replacedBucket = (current: Bucket, body: JsonObject, now: Date) =>
  changedBucket(
    current,
    { ...DEFAULTS, ...pick(current, [...SERVER_SET, ...IMMUTABLE]), ...omit(body, SERVER_SET) },
    now,
  );

function changedBucket(current: Bucket, next: JsonObject, now: Date): Bucket {
  if (typeof next.location === "string") next.location = next.location.toUpperCase();
  for (const key of IMMUTABLE) {
    const [was, is] = [current, next].map((bucket) => JSON.stringify(bucket[key]));
    if (was !== is) throw invalid(`The bucket's ${key} cannot be changed: got ${is}; it is ${was}.`);
  }
  checkBucket(next);
  checkLockedRetention(current, next);
  return complete(next, current, now);
}

/** Fills in what the service derives: access configuration, effective times, metageneration, tag. */
function complete(bucket: JsonObject, current: Bucket | undefined, now: Date): Bucket {
  const time = now.toISOString();
  const metageneration = String(Number(current?.metageneration ?? 0) + 1);
  const retention = bucket.retentionPolicy && retentionOf(objectOr(bucket.retentionPolicy), current, time);
  return {
    ...bucket,
    iamConfiguration: accessConfiguration(objectOr(bucket.iamConfiguration), current, now),
    softDeletePolicy: stamped(bucket.softDeletePolicy, current?.softDeletePolicy, "retentionDurationSeconds", time),
    ...(retention ? { retentionPolicy: retention } : {}),
    metageneration,
    updated: time,
    etag: etagOf(metageneration),
  } as JsonObject as Bucket;
}

/** A policy is locked by lockRetentionPolicy alone, whatever a client sends. */
function retentionOf(policy: JsonObject, current: Bucket | undefined, time: string): JsonObject {
  const before = current?.retentionPolicy;
  const next = stamped(omit(policy, ["isLocked"]), before, "retentionPeriod", time);
  return before?.isLocked ? { ...next, isLocked: true } : next;
}

/** `effectiveTime` moves when the period does. */
function stamped(policy: Json | undefined, before: object | undefined, period: string, time: string): JsonObject {
  const [next, last] = [objectOr(policy), objectOr(before as Json | undefined)];
  const seconds = seconds64(next[period]);
  if (seconds === "0") return { ...omit(next, ["effectiveTime"]), [period]: seconds };
  const kept = seconds64(last[period]) === seconds ? last.effectiveTime : undefined;
  return { ...next, [period]: seconds, effectiveTime: kept ?? time };
}

/** Whole seconds as the API writes them: text. */
const seconds64 = (value: Json | undefined) =>
  typeof value === "string" || typeof value === "number" ? String(value) : "0";

/** The old and the new spelling of uniform access carry the same value. */
function accessConfiguration(next: JsonObject, current: Bucket | undefined, now: Date): JsonObject {
  const was: UniformAccess = current?.iamConfiguration.uniformBucketLevelAccess ?? {};
  const spellings = [next.uniformBucketLevelAccess, next.bucketPolicyOnly].map(
    (spelling) => objectOr(spelling).enabled,
  );
  const changed = spellings.find((enabled) => enabled !== undefined && enabled !== (was.enabled ?? false));
  const enabled = (changed ?? spellings.find((value) => value !== undefined) ?? false) === true;
  if (was.enabled && !enabled && Date.parse(was.lockedTime ?? "") < now.getTime())
    throw invalid("Uniform bucket-level access cannot be disabled: its locked time has passed.");
  const lockedTime = was.lockedTime ?? new Date(now.getTime() + UNIFORM_LOCK_MS).toISOString();
  const access: JsonObject = enabled ? { enabled, lockedTime } : { enabled };
  const prevention = next.publicAccessPrevention ?? "inherited";
  if (typeof prevention !== "string" || !["inherited", "enforced", "unspecified"].includes(prevention))
    throw invalid(`Invalid value for iamConfiguration.publicAccessPrevention: ${JSON.stringify(prevention)}`);
  return {
    bucketPolicyOnly: access,
    uniformBucketLevelAccess: access,
    publicAccessPrevention: prevention === "unspecified" ? "inherited" : prevention,
  };
}

/** Source: docs "Bucket Lock": a locked policy can only become longer. */
function checkLockedRetention(current: Bucket, next: JsonObject): void {
  const is = next.retentionPolicy as RetentionPolicy | undefined;
  if (!current.retentionPolicy?.isLocked) return;
  if (is === undefined || Number(is.retentionPeriod) < Number(current.retentionPolicy.retentionPeriod))
    throw forbidden("Cannot reduce or remove a locked retention policy.");
}
