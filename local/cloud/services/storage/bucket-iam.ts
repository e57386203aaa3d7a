/** The IAM policy of a bucket. Source: docs "Buckets: getIamPolicy", "IAM roles for Cloud Storage". */
import type { Cloud } from "../../cloud";
import type { Behaviour, Json, JsonObject } from "../../service";
import { isEnforced, violation } from "../orgpolicy";
import { omit } from "./metadata";
import { findBucket } from "./records";
import type { Bucket } from "./resources";

/** Name of a bucket as IAM resources have it. */
const resourceOf = (bucket: string) => `projects/_/buckets/${bucket}`;

export const getBucketPolicy: Behaviour = async (call, cloud) => {
  const bucket = await findBucket(cloud.store, call.path.bucket!);
  return shown(bucket, await cloud.policies.get(resourceOf(bucket.name)));
};

export const setBucketPolicy: Behaviour = async (call, cloud) => {
  const bucket = await findBucket(cloud.store, call.path.bucket!);
  const policy = omit(call.body, ["kind", "resourceId"]);
  await refusePublic(bucket, policy, cloud);
  return shown(bucket, await cloud.policies.set(resourceOf(bucket.name), policy));
};

/** Source: docs "Public access prevention": set on the bucket, or for all by a constraint. */
async function refusePublic(bucket: Bucket, policy: JsonObject, cloud: Cloud): Promise<void> {
  const constraint = "storage.publicAccessPrevention";
  const members = ((policy.bindings ?? []) as JsonObject[]).flatMap((binding) => (binding.members ?? []) as Json[]);
  if (!members.some((member) => member === "allUsers" || member === "allAuthenticatedUsers")) return;
  const isPrevented = bucket.iamConfiguration.publicAccessPrevention === "enforced";
  if (!isPrevented && !(await isEnforced(constraint, cloud))) return;
  const message =
    "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.";
  throw violation(constraint, resourceOf(bucket.name), message, 412, "conditionNotMet");
}

export const testBucketPermissions: Behaviour = async (call, cloud) => {
  const bucket = await findBucket(cloud.store, call.path.bucket!);
  const asked = [call.query.permissions ?? []].flat();
  const permitted = await cloud.policies.permitted(call.principal, asked, resourceOf(bucket.name));
  return { kind: "storage#testIamPermissionsResponse", ...(permitted.length > 0 ? { permissions: permitted } : {}) };
};

const shown = (bucket: Bucket, policy: JsonObject): JsonObject => ({
  kind: "storage#policy",
  resourceId: resourceOf(bucket.name),
  version: 1,
  ...policy,
});

/**
 * The policy that a new bucket is born with: the project's basic roles as convenience values.
 * Source: docs "IAM roles for Cloud Storage", section "Basic roles", "Modifiable behavior".
 */
export async function defaultPolicy(cloud: Cloud, bucket: Bucket): Promise<void> {
  const [owners, viewers] = [["projectEditor", "projectOwner"], ["projectViewer"]].map((kinds) =>
    kinds.map((kind) => `${kind}:${cloud.project.id}`),
  );
  const roles: [string, string[]][] = [
    ["roles/storage.legacyBucketOwner", owners!],
    ["roles/storage.legacyBucketReader", viewers!],
  ];
  if (bucket.iamConfiguration.uniformBucketLevelAccess.enabled)
    roles.push(["roles/storage.legacyObjectOwner", owners!], ["roles/storage.legacyObjectReader", viewers!]);
  await replacePolicy(
    cloud,
    bucket,
    roles.map(([role, members]) => ({ role, members })),
  );
}

/** A bucket that is made again under this name must not find the old one's grants. */
export const forgetPolicy = (cloud: Cloud, bucket: Bucket) => replacePolicy(cloud, bucket, []);

async function replacePolicy(cloud: Cloud, bucket: Bucket, bindings: JsonObject[]): Promise<void> {
  const name = resourceOf(bucket.name);
  const { etag } = await cloud.policies.get(name);
  await cloud.policies.set(name, { ...(etag === undefined ? {} : { etag }), bindings });
}
