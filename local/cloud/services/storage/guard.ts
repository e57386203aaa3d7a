/** Which bucket a storage call asks about, and what replacing an object asks besides. */
import type { Guard } from "../../access/table";
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { Call, Principal } from "../../service";
import { bucketKey, findBucket, liveObject } from "./records";

export const bucketResource = (bucket: string) => `//storage.googleapis.com/projects/_/buckets/${bucket}`;

/** With uniform access an object's permissions are its bucket's. */
export const storageGuard: Guard = {
  resource: async (permission, call, cloud) => {
    const reads = permission === "storage.objects.get";
    const bucket = (reads && call.path.sourceBucket) || call.path.bucket || call.path.destinationBucket;
    if (!bucket || call.methodId === "storage.buckets.restore")
      return `//cloudresourcemanager.googleapis.com/projects/${cloud.project.id}`;
    // Names of buckets are everybody's: one that is not there is so for all.
    return (await cloud.store.get(bucketKey(bucket))) ? bucketResource(bucket) : undefined;
  },
  more: async (call, cloud) => {
    const removes = call.methodId === "storage.objects.compose" && call.body.deleteSourceObjects === true;
    return removes || (await replaces(call, cloud)) ? [DELETE] : [];
  },
};

const DELETE = "storage.objects.delete";

const WRITES = /^storage\.objects\.(insert|copy|rewrite|compose|move)$/;

async function replaces(call: Call, cloud: Cloud): Promise<boolean> {
  if (!WRITES.test(call.methodId)) return false;
  const bucket = call.path.destinationBucket ?? call.path.bucket ?? "";
  return isThere(bucket, call.path.destinationObject ?? textOf(call.query.name), cloud);
}

async function isThere(bucket: string, name: string, cloud: Cloud): Promise<boolean> {
  if (name === "" || !(await cloud.store.get(bucketKey(bucket)))) return false;
  return (await liveObject(cloud.store, await findBucket(cloud.store, bucket), name)) !== undefined;
}

/** An upload may say its name with its bytes: what it replaces is asked for once the name is known. */
export async function requireReplacing(call: Call, name: string, cloud: Cloud): Promise<void> {
  const bucket = call.path.bucket!;
  if (textOf(call.query.name) !== "" || !(await isThere(bucket, name, cloud))) return;
  const ask = { principal: call.principal, permission: DELETE, method: call.methodId };
  await cloud.access.require({ ...ask, resource: bucketResource(bucket) });
}

/** For reads beside the described methods. */
export async function requireRead(principal: Principal, bucket: string, cloud: Cloud): Promise<void> {
  if (!(await cloud.store.get(bucketKey(bucket)))) return;
  const ask = { principal, permission: "storage.objects.get", method: "storage.objects.get" };
  await cloud.access.require({ ...ask, resource: bucketResource(bucket) });
}
