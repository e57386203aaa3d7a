/** What a request names must be there, and who sends it must be allowed to use it: asked before anything is stored. */
import type { Cloud } from "../cloud";
import { ApiError } from "../errors";
import type { Call, JsonObject, Principal } from "../service";

/** Google's words for an account that the caller may not use; its clients show them. */
const ACT_AS =
  "To act as a service account, user must have one of [Owner, Editor, Service Account User] roles. " +
  "See https://cloud.google.com/iam/docs/understanding-service-accounts for additional details.";

/** Whether something is there, storage looks up on its own account; who reads it later is asked then. */
const STORAGE = "gs-project-accounts";

/** The project's default account of virtual machines, which runs what names no other. */
export const defaultAccount = (cloud: Cloud) => `${cloud.project.number}-compute@developer.gserviceaccount.com`;

/** A service's own account: what the service does on its own account it does as this one. */
export const agent = (domain: string, cloud: Cloud): Principal => ({
  kind: "serviceAccount",
  email: `service-${cloud.project.number}@${domain}.iam.gserviceaccount.com`,
  via: "impersonation",
});

/** @param account email, or resource name that ends with it; @param hint what to do when there is none */
export async function requireActAs(account: string, call: Call, cloud: Cloud, hint = ""): Promise<void> {
  const email = account.split("/").at(-1) ?? "";
  const resource = `projects/${cloud.project.id}/serviceAccounts/${email}`;
  if (!(await cloud.store.get(resource)))
    throw new ApiError("NOT_FOUND", `Service account '${email}' was not found.${hint && ` ${hint}`}`);
  if (call.principal.email === email) return;
  const ask = { principal: call.principal, permission: "iam.serviceAccounts.actAs", method: call.methodId };
  if (await cloud.access.permits({ ...ask, resource: `//iam.googleapis.com/${resource}` })) return;
  throw new ApiError("PERMISSION_DENIED", `User not authorized to act as service account '${email}'. ${ACT_AS}`);
}

/** Asked of the storage API itself, so that a bucket that storage does not show is not there for others either. */
export async function requireBucket(bucket: string, _call: Call, cloud: Cloud, what = "Bucket"): Promise<void> {
  await exists(`${what} '${bucket}' was not found.`, () =>
    cloud.call({ methodId: "storage.buckets.get", path: { bucket } }, agent(STORAGE, cloud)),
  );
}

export async function requireObject(bucket: string, object: string, _call: Call, cloud: Cloud): Promise<JsonObject> {
  const read = () => cloud.call({ methodId: "storage.objects.get", path: { bucket, object } }, agent(STORAGE, cloud));
  return (await exists(`Object 'gs://${bucket}/${object}' was not found.`, read)) as JsonObject;
}

/** A resource by its name, with the prefix of its type's keys where it has one. */
export async function requireStored(name: string, cloud: Cloud, keyPrefix = ""): Promise<JsonObject> {
  const found = await cloud.store.get(`${keyPrefix}${name}`);
  if (!found) throw new ApiError("NOT_FOUND", `Resource '${name}' was not found.`);
  return found;
}

/** Makes the bucket that a service keeps for itself, unless it is there. It stays when what it was made for goes. */
export async function ensureBucket(name: string, location: string, owner: Principal, cloud: Cloud): Promise<void> {
  const body = {
    name,
    location: location.toUpperCase(),
    iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
    softDeletePolicy: { retentionDurationSeconds: "0" },
  };
  try {
    await cloud.call({ methodId: "storage.buckets.insert", query: { project: cloud.project.id }, body }, owner);
  } catch (error) {
    if (!(error instanceof ApiError) || error.http !== 409) throw error;
  }
}

async function exists<T>(message: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ApiError) || error.http !== 404) throw error;
    throw new ApiError("NOT_FOUND", message);
  }
}
