/** Methods of buckets: insert, get, list, patch, update, delete, restore, lock. Source: docs "Buckets" of the JSON API. */
import type { Cloud } from "../../cloud";
import type { Behaviour, Call, JsonObject } from "../../service";
import { isEnforced, violation } from "../orgpolicy";
import { conflict, invalid, noBucket, required, unimplemented } from "./answers";
import { defaultPolicy, forgetPolicy } from "./bucket-iam";
import { checkBucketName } from "./bucket-rules";
import { newBucket, patchedBucket, replacedBucket } from "./bucket-resource";
import { isTrue, one } from "./http";
import { objectOr, omit } from "./metadata";
import { generationOf } from "./objects-api";
import { checkConditions, checkTags, conditionsOf } from "./preconditions";
import {
  alone,
  blobsOf,
  bucketKey,
  bucketsPrefix,
  findBucket,
  isExpired,
  nextGeneration,
  shelfPrefix,
  softBucketKey,
  softBucketsPrefix,
} from "./records";
import type { Bucket, Generation } from "./resources";

export const insertBucket: Behaviour = async (call, cloud) => {
  if (!one(call, "project")) throw required("Required parameter: project");
  const { name } = call.body;
  checkBucketName(name);
  refuseAcl(call);
  if (isTrue(one(call, "enableObjectRetention"))) throw unimplemented("Object retention");
  return alone(cloud, name, async () => {
    if (await cloud.store.get(bucketKey(name)))
      throw conflict("Your previous request to create the named bucket succeeded and you already own it.");
    const { generation, put } = await nextGeneration(cloud);
    const bucket = newBucket({
      name,
      body: call.body,
      projectNumber: cloud.project.number,
      generation,
      now: cloud.now(),
    });
    await checkUniformAccess(bucket, cloud);
    // The policy first: a crash in between leaves a policy that the next insert replaces, never a bucket without one.
    await defaultPolicy(cloud, bucket);
    await cloud.store.write({ put: { ...put, [bucketKey(name)]: bucket } });
    return bucket;
  });
};

export const getBucket: Behaviour = async (call, cloud) => {
  const bucket = isTrue(one(call, "softDeleted"))
    ? await softBucket(call, cloud)
    : await findBucket(cloud.store, call.path.bucket!);
  checkConditions(conditionsOf(call.query), bucket, "read");
  checkTags(call.http?.request.headers, bucket.etag, "read");
  return bucket;
};

export const listBuckets: Behaviour = async (call, cloud) => {
  if (!one(call, "project")) throw required("Required parameter: project");
  const soft = isTrue(one(call, "softDeleted"));
  const base = soft ? softBucketsPrefix : bucketsPrefix;
  const token = one(call, "pageToken");
  const limit = Math.min(Number(one(call, "maxResults") ?? 1000) || 1000, 1000);
  const startAfter = token ? base + Buffer.from(token, "base64url").toString("utf8") : undefined;
  const entries = await cloud.store.list(base + (one(call, "prefix") ?? ""), { startAfter, limit: limit + 1 });
  const page = entries
    .slice(0, limit)
    .map((entry) => entry.value as Bucket)
    .filter((bucket) => !isExpired(bucket, cloud.now()));
  const answer: JsonObject = { kind: "storage#buckets" };
  if (page.length > 0) answer.items = page;
  if (entries.length > limit)
    answer.nextPageToken = Buffer.from(entries[limit - 1]!.key.slice(base.length)).toString("base64url");
  return answer;
};

export const patchBucket: Behaviour = (call, cloud) => change(call, cloud, patchedBucket);
export const updateBucket: Behaviour = (call, cloud) => change(call, cloud, replacedBucket);

async function change(
  call: Call,
  cloud: Cloud,
  next: (current: Bucket, body: JsonObject, now: Date) => Bucket,
): Promise<JsonObject> {
  return alone(cloud, call.path.bucket!, async () => {
    const current = await findBucket(cloud.store, call.path.bucket!);
    checkConditions(conditionsOf(call.query), current, "write");
    checkTags(call.http?.request.headers, current.etag, "write");
    refuseAcl(call, current);
    const bucket = next(current, call.body, cloud.now());
    if (current.iamConfiguration.uniformBucketLevelAccess.enabled) await checkUniformAccess(bucket, cloud);
    await cloud.store.write({ put: { [bucketKey(call.path.bucket!)]: bucket } });
    return bucket;
  });
}

/** Only empty buckets go: noncurrent objects count, soft-deleted ones go with the bucket. Source: docs "Delete buckets". */
export const deleteBucket: Behaviour = async (call, cloud) => {
  const name = call.path.bucket!;
  await alone(cloud, name, async () => {
    const bucket = await findBucket(cloud.store, name);
    checkConditions(conditionsOf(call.query), bucket, "write");
    for (const shelf of ["live", "noncurrent"] as const)
      if ((await cloud.store.list(shelfPrefix(bucket, shelf), { limit: 1 })).length > 0)
        throw conflict("The bucket you tried to delete is not empty.");
    const seconds = Number(bucket.softDeletePolicy.retentionDurationSeconds);
    const now = cloud.now();
    const put =
      seconds === 0
        ? {}
        : {
            [softBucketKey(name, bucket.generation)]: {
              ...bucket,
              softDeleteTime: now.toISOString(),
              hardDeleteTime: new Date(now.getTime() + seconds * 1000).toISOString(),
            },
          };
    await cloud.store.write({ put, delete: [bucketKey(name)] });
    await forgetPolicy(cloud, bucket);
    if (seconds === 0) await forgetObjects(cloud, bucket);
  });
  return null;
};

/** A soft-deleted bucket comes back with its soft-deleted objects. Source: docs "Use soft-deleted buckets". */
export const restoreBucket: Behaviour = async (call, cloud) =>
  alone(cloud, call.path.bucket!, async () => {
    const name = call.path.bucket!;
    const bucket = omit(await softBucket(call, cloud), ["softDeleteTime", "hardDeleteTime"]) as Bucket;
    if (await cloud.store.get(bucketKey(name)))
      throw conflict(`A bucket named ${name} exists; delete it before restoring another.`);
    await defaultPolicy(cloud, bucket);
    await cloud.store.write({
      put: { [bucketKey(name)]: bucket },
      delete: [softBucketKey(name, bucket.generation)],
    });
    return bucket;
  });

/** Source: docs "Bucket Lock": needs the metageneration, cannot be undone. */
export const lockRetentionPolicy: Behaviour = async (call, cloud) => {
  if (one(call, "ifMetagenerationMatch") === undefined) throw required("Required parameter: ifMetagenerationMatch");
  return alone(cloud, call.path.bucket!, async () => {
    const current = await findBucket(cloud.store, call.path.bucket!);
    checkConditions(conditionsOf(call.query), current, "write");
    if (current.retentionPolicy === undefined) throw invalid("The bucket has no retention policy to lock.");
    const bucket = patchedBucket(current, {}, cloud.now());
    bucket.retentionPolicy = { ...current.retentionPolicy, isLocked: true };
    await cloud.store.write({ put: { [bucketKey(call.path.bucket!)]: bucket } });
    return bucket;
  });
};

/** Removes all that is left of a bucket that is gone for good: its soft-deleted objects and their bytes. */
export async function forgetObjects(cloud: Cloud, bucket: Bucket): Promise<void> {
  const entries = await cloud.store.list(shelfPrefix(bucket, "soft"));
  await cloud.store.write({ delete: entries.map((entry) => entry.key) });
  await blobsOf(cloud).remove(entries.map((entry) => (entry.value as Generation).generation));
}

async function softBucket(call: Call, cloud: Cloud): Promise<Bucket> {
  const generation = generationOf(call);
  if (generation === undefined) throw required("Required parameter: generation");
  const bucket = (await cloud.store.get(softBucketKey(call.path.bucket!, generation))) as Bucket | undefined;
  if (!bucket || isExpired(bucket, cloud.now())) throw noBucket();
  return bucket;
}

/** Buckets that were there before the constraint may stay as they are. */
async function checkUniformAccess(bucket: Bucket, cloud: Cloud): Promise<void> {
  const constraint = "storage.uniformBucketLevelAccess";
  if (bucket.iamConfiguration.uniformBucketLevelAccess.enabled || !(await isEnforced(constraint, cloud))) return;
  const message = `Request violates constraint 'constraints/${constraint}'`;
  throw violation(constraint, `projects/_/buckets/${bucket.name}`, message, 412, "conditionNotMet");
}

/** Source: docs "Uniform bucket-level access": access lists are refused; without it they are not implemented here. */
function refuseAcl(call: Call, current?: Bucket): void {
  const lists = [call.body.acl, call.body.defaultObjectAcl].filter((list) => Array.isArray(list) && list.length > 0);
  const named = ["predefinedAcl", "predefinedDefaultObjectAcl"].filter(
    (key) => ![undefined, "projectPrivate"].includes(one(call, key)),
  );
  if (lists.length === 0 && named.length === 0) return;
  const wanted = objectOr(objectOr(call.body.iamConfiguration).uniformBucketLevelAccess).enabled;
  if (wanted ?? current?.iamConfiguration.uniformBucketLevelAccess.enabled)
    throw invalid(
      "Cannot use ACL API to update bucket policy when uniform bucket-level access is enabled. Read more at https://cloud.google.com/storage/docs/uniform-bucket-level-access",
    );
  throw unimplemented("An access control list");
}
