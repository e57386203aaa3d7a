/** Buckets, objects and who may use them. */
import { DeployError } from "../errors";
import { hasUnknowns, isObject, isUnknown, type Properties, text, UNKNOWN, type Value } from "../values";
import type { Change, Context, Descriptor, Inputs } from "./descriptor";
import { absent, GoogleError } from "./http";
import { iamMember, type Policy } from "./iam";
import { sameIgnoringCase, toRest, type Shape } from "./shape";
import { encode, object, STORAGE_API } from "./storage-objects";

/** Deletions of objects in flight when a bucket is emptied. */
const DELETIONS = 16;

const lifecycle: Shape = {
  action: {
    type: "object",
    required: true,
    fields: { type: { type: "string", required: true }, storageClass: { type: "string" } },
  },
  condition: {
    type: "object",
    required: true,
    fields: {
      age: { type: "integer" },
      createdBefore: { type: "string" },
      customTimeBefore: { type: "string" },
      daysSinceCustomTime: { type: "integer" },
      daysSinceNoncurrentTime: { type: "integer" },
      noncurrentTimeBefore: { type: "string" },
      numNewerVersions: { type: "integer" },
      matchesPrefixes: { type: "list", rest: "matchesPrefix" },
      matchesSuffixes: { type: "list", rest: "matchesSuffix" },
      matchesStorageClasses: { type: "list", rest: "matchesStorageClass" },
    },
  },
};

const bucketShape: Shape = {
  name: { type: "string", required: true, replaces: true },
  location: { type: "string", required: true, replaces: true, same: sameIgnoringCase },
  project: { type: "string", rest: false, computed: true, replaces: true },
  labels: { type: "map" },
  storageClass: { type: "string", default: "STANDARD" },
  forceDestroy: { type: "boolean", rest: false, local: true, default: false },
  uniformBucketLevelAccess: {
    type: "boolean",
    rest: "iamConfiguration.uniformBucketLevelAccess.enabled",
    computed: true,
  },
  publicAccessPrevention: {
    type: "string",
    rest: "iamConfiguration.publicAccessPrevention",
    computed: true,
    allowed: ["inherited", "enforced"],
  },
  lifecycleRules: { type: "list", rest: "lifecycle.rule", fields: lifecycle },
  versioning: { type: "object", computed: true, fields: { enabled: { type: "boolean", required: true } } },
  softDeletePolicy: {
    type: "object",
    computed: true,
    fields: {
      retentionDurationSeconds: { type: "integer", int64: true, default: 604800 },
      effectiveTime: { type: "string", computed: true },
    },
  },
  retentionPolicy: {
    type: "object",
    fields: {
      retentionPeriod: { type: "string", required: true },
      isLocked: { type: "boolean", default: false, allowed: ["false"] },
    },
  },
  cors: {
    type: "list",
    fields: {
      origins: { type: "list", rest: "origin" },
      methods: { type: "list", rest: "method" },
      responseHeaders: { type: "list", rest: "responseHeader" },
      maxAgeSeconds: { type: "integer" },
    },
  },
  website: {
    type: "object",
    computed: true,
    fields: { mainPageSuffix: { type: "string" }, notFoundPage: { type: "string" } },
  },
  logging: {
    type: "object",
    fields: { logBucket: { type: "string", required: true }, logObjectPrefix: { type: "string", computed: true } },
  },
  requesterPays: { type: "boolean", rest: "billing.requesterPays" },
  defaultEventBasedHold: { type: "boolean" },
};

const bucket: Descriptor = {
  type: "gcp:storage/bucket:Bucket",
  source: "storage.v1 buckets; google_storage_bucket",
  shape: bucketShape,
  outputs: {
    projectNumber: ({ projectNumber }) => Number(projectNumber),
    selfLink: "selfLink",
    timeCreated: "timeCreated",
    updated: "updated",
    url: ({ name }) => `gs://${text(name)}`,
  },
  planned: ({ name }) => ({ url: hasUnknowns(name) ? UNKNOWN : `gs://${text(name)}` }),
  labelled: true,
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 222 },
  id: ({ name }) => text(name),
  create: ({ http }, inputs) =>
    http.call({
      method: "POST",
      url: `${STORAGE_API}/b`,
      query: { project: inputs.project },
      body: toRest(bucketShape, inputs),
    }),
  read: ({ http }, { name }) => http.find(`${STORAGE_API}/b/${encode(name)}`),
  update: ({ http }, change) =>
    http.call({ method: "PATCH", url: `${STORAGE_API}/b/${encode(change.news.name)}`, body: bucketPatch(change) }),
  delete: async (context, inputs) => {
    if (inputs.forceDestroy === true) await empty(context, inputs);
    await context.http.remove(`${STORAGE_API}/b/${encode(inputs.name)}`).catch((error: unknown) => {
      const isFull = error instanceof GoogleError && error.code === 409;
      throw isFull
        ? new DeployError(
            `bucket ${text(inputs.name)}: holds objects; set forceDestroy to true and run up first, or delete them`,
            { cause: error },
          )
        : error;
    });
  },
};

/** Each top-level part that changed, as a whole; labels that went are named, since a patch merges them. */
function bucketPatch({ news, olds, changes }: Change): Properties {
  const body = toRest(bucketShape, news);
  const patch: Properties = {};
  for (const property of new Set(changes.map(({ path }) => path.split(/[.[]/)[0]!))) {
    const field = bucketShape[property];
    if (!field || field.rest === false) continue;
    const part = (field.rest ?? property).split(".")[0]!;
    patch[part] = body[part] ?? (property === "lifecycleRules" ? { rule: [] } : null);
  }
  if (isObject(patch.labels))
    for (const key of Object.keys(isObject(olds.labels) ? olds.labels : {})) patch.labels[key] ??= null;
  return patch;
}

/** Deletes every object and version, page by page. */
async function empty({ http }: Context, { name }: Inputs): Promise<void> {
  const url = `${STORAGE_API}/b/${encode(name)}/o`;
  let pageToken: string | undefined;
  do {
    const page = await http.find(url, { versions: "true", ...(pageToken && { pageToken }) });
    const objects = ((page?.items ?? []) as Properties[]).values();
    const worker = async () => {
      for (const object of objects)
        await http.remove(`${url}/${encode(object.name)}`, { generation: text(object.generation) });
    };
    await Promise.all(Array.from({ length: DELETIONS }, worker));
    pageToken = page?.nextPageToken as string | undefined;
  } while (pageToken);
}

const bareBucket = (inputs: Inputs) => text(inputs.bucket).replace(/^b\//, "");
const policyUrl = (inputs: Inputs) => `${STORAGE_API}/b/${encodeURIComponent(bareBucket(inputs))}/iam`;
const bucketMember = iamMember({
  type: "gcp:storage/bucketIAMMember:BucketIAMMember",
  source: "storage.v1 buckets.setIamPolicy; google_storage_bucket_iam_member",
  shape: {
    bucket: { type: "string", rest: false, required: true, replaces: true, same: (a, b) => bare(a) === bare(b) },
  },
  outputs: { bucket: (_, inputs) => (isUnknown(inputs.bucket) ? inputs.bucket : `b/${bareBucket(inputs)}`) },
  resource: (inputs) => `b/${bareBucket(inputs)}`,
  get: async ({ http }, inputs) => {
    const query = { optionsRequestedPolicyVersion: "3" };
    const policy: Policy | undefined = await http.call({ method: "GET", url: policyUrl(inputs), query }).catch(absent);
    return policy;
  },
  set: ({ http }, inputs, policy) => http.call({ method: "PUT", url: policyUrl(inputs), body: policy }),
});
const bare = (name: Value) => text(name).replace(/^b\//, "");

export const STORAGE: readonly Descriptor[] = [bucket, object, bucketMember];
