/** Repositories of images, packages and pipeline templates, and who may use them. */
import { isObject, type Properties, text, type Value } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { namedMember } from "./member";
import { toRest, type Shape } from "./shape";
import { inLocation, PLACE, standard } from "./standard";

const API = "https://artifactregistry.googleapis.com/v1";

const policy: Shape = {
  id: { type: "string", required: true },
  action: { type: "string", allowed: ["DELETE", "KEEP"] },
  condition: {
    type: "object",
    fields: {
      tagState: { type: "string", computed: true },
      tagPrefixes: { type: "list" },
      packageNamePrefixes: { type: "list" },
      versionNamePrefixes: { type: "list" },
      olderThan: { type: "string" },
      newerThan: { type: "string" },
    },
  },
  mostRecentVersions: {
    type: "object",
    fields: { keepCount: { type: "integer" }, packageNamePrefixes: { type: "list" } },
  },
};

const shape: Shape = {
  ...PLACE,
  repositoryId: { type: "string", rest: false, required: true, replaces: true },
  format: { type: "string", required: true, replaces: true },
  mode: { type: "string", default: "STANDARD_REPOSITORY", replaces: true, allowed: ["STANDARD_REPOSITORY"] },
  description: { type: "string" },
  kmsKeyName: { type: "string", replaces: true },
  labels: { type: "map" },
  cleanupPolicies: { type: "list", set: true, fields: policy },
  cleanupPolicyDryRun: { type: "boolean" },
  dockerConfig: { type: "object", fields: { immutableTags: { type: "boolean" } } },
  vulnerabilityScanningConfig: {
    type: "object",
    computed: true,
    fields: { enablementConfig: { type: "string", computed: true, allowed: ["INHERITED", "DISABLED"] } },
  },
};

const name = (inputs: Inputs) => `${inLocation(inputs)}/repositories/${bare(inputs.repositoryId)}`;
const bare = (id: Value | undefined) =>
  text(id ?? "")
    .split("/")
    .at(-1)!;

/** Policies travel as a map by their ids. */
function body(inputs: Inputs): Properties {
  const { cleanupPolicies, ...rest } = toRest(shape, inputs);
  const policies = (cleanupPolicies ?? []) as Properties[];
  const byId = Object.fromEntries(policies.map(({ id, ...one }) => [text(id), one]));
  return { ...rest, cleanupPolicies: byId };
}

function listed({ cleanupPolicies, ...rest }: Properties): Properties {
  if (!isObject(cleanupPolicies)) return rest;
  const policies = Object.entries(cleanupPolicies).map(([id, one]) => ({ id, ...(one as Properties) }));
  return { ...rest, ...(policies.length > 0 && { cleanupPolicies: policies }) };
}

const made: Descriptor = standard({
  type: "gcp:artifactregistry/repository:Repository",
  source: "artifactregistry.v1 projects.locations.repositories; google_artifact_registry_repository",
  api: API,
  shape,
  name,
  idParameter: "repositoryId",
  body,
  outputs: {
    name: (_, { repositoryId }) => repositoryId,
    ...{ createTime: "createTime", updateTime: "updateTime", registryUri: "registryUri" },
  },
  labelled: true,
  hasDeletionPolicy: true,
});
const repository: Descriptor = {
  ...made,
  create: async (...args) => listed(await made.create(...args)),
  read: async (...args) => {
    const found = await made.read(...args);
    return found && listed(found);
  },
  update: async (...args) => listed(await made.update!(...args)),
};

const member = namedMember({
  type: "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
  source: "artifactregistry.v1 repositories.setIamPolicy; google_artifact_registry_repository_iam_member",
  api: API,
  reads: "GET",
  shape: {
    ...PLACE,
    repository: { type: "string", rest: false, required: true, replaces: true, same: (a, b) => bare(a) === bare(b) },
  },
  name: (inputs) => `${inLocation(inputs)}/repositories/${bare(inputs.repository)}`,
});

export const ARTIFACT_REGISTRY: readonly Descriptor[] = [repository, member];
