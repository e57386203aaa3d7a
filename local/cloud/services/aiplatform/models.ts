/**
 * The model registry of Vertex AI: models with versions, each with aliases, of which every alias names one version.
 * Source: ModelService in google/cloud/aiplatform/v1/model_service.proto.
 */
import type { Cloud } from "../../cloud";
import { badRequest } from "../../contract/validate";
import { listPage, pageOf } from "../../engine/list";
import { checkEtag, etagOf } from "../../engine/resource";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../service";
import { requireBucket } from "../references";
import { taskId } from "./pipelines/step";

const PREFIX = "aiplatform/models/";
const OUTPUT_ONLY = [
  "name",
  "versionId",
  "versionCreateTime",
  "versionUpdateTime",
  "createTime",
  "updateTime",
  "etag",
  "deployedModels",
];
const CHANGEABLE = ["displayName", "description", "labels", "versionDescription"];
const DEFAULT = "default";
const ALIAS = /^[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]$/;

/** All versions of a model, oldest first: one record, so that an alias is never on two of them. */
interface Registered extends JsonObject {
  versions: JsonObject[];
}

const aliasesOf = (version: JsonObject) => (version.versionAliases ?? []) as string[];
const byAlias = ({ versions }: Registered, alias: string) =>
  versions.find((version) => aliasesOf(version).includes(alias));

export const modelMethods: Readonly<Record<string, Behaviour>> = {
  "aiplatform.projects.locations.models.upload": upload,
  "aiplatform.projects.locations.models.get": async (call, cloud) => {
    const { model, version } = await versionOf(call, cloud);
    return shown(model, version, cloud);
  },
  "aiplatform.projects.locations.models.list": list,
  "aiplatform.projects.locations.models.listVersions": async (call, cloud) => {
    const { model } = await versionOf(call, cloud);
    const shownAll = await Promise.all(model.versions.map((version) => shown(model, version, cloud)));
    const numbered = shownAll.map((value) => ({ key: textOf(value.versionId).padStart(10, "0"), value }));
    const { items, nextPageToken } = pageOf(numbered, call);
    return { models: items, ...(nextPageToken && { nextPageToken }) };
  },
  "aiplatform.projects.locations.models.patch": (call, cloud) =>
    change(call, cloud, (_model, version) => {
      checkEtag(call.body.etag, withEtag(version));
      const mask = textOf(call.query.updateMask)
        .split(",")
        .map((path) => path.trim().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
      const unknown = mask.filter((path) => !CHANGEABLE.includes(path));
      if (unknown.length > 0)
        throw badRequest(
          unknown.map((path) => ({
            field: "update_mask",
            description: `got '${path}'; expected some of ${CHANGEABLE.join(", ")}.`,
          })),
        );
      for (const path of mask) version[path] = call.body[path] ?? (path === "labels" ? {} : "");
    }),
  "aiplatform.projects.locations.models.mergeVersionAliases": (call, cloud) =>
    change(call, cloud, (model, version) => giveAliases(model, version, (call.body.versionAliases ?? []) as string[])),
  "aiplatform.projects.locations.models.delete": (call, cloud) => remove(call, cloud, false),
  "aiplatform.projects.locations.models.deleteVersion": (call, cloud) => remove(call, cloud, true),
};

async function upload(call: Call, cloud: Cloud): Promise<Json> {
  const sent = isObject(call.body.model) ? call.body.model : {};
  await checkModel(sent, call, cloud);
  const now = cloud.now().toISOString();
  const parent = textOf(call.path.parent);
  const id = textOf(call.body.modelId) || taskId(parent, `${textOf(sent.displayName)}/${now}`);
  const name = textOf(call.body.parentModel) || `${parent}/models/${id}`;
  return cloud.store.exclusive(PREFIX + name, async () => {
    const known = (await cloud.store.get(PREFIX + name)) as Registered | undefined;
    if (call.body.parentModel && !known) throw new ApiError("NOT_FOUND", `The Model ${name} was not found.`);
    if (!call.body.parentModel && known) throw new ApiError("ALREADY_EXISTS", `The Model ${name} already exists.`);
    const model: Registered = known ?? { versions: [] };
    const { versionId } = addVersion(model, name, sent, now);
    await cloud.store.write({ put: { [PREFIX + name]: model } });
    const type = (message: string) => `type.googleapis.com/google.cloud.aiplatform.v1.${message}`;
    const response = { "@type": type("UploadModelResponse"), model: name, modelVersionId: versionId! };
    const times = { createTime: now, updateTime: now };
    const metadata = { "@type": type("UploadModelOperationMetadata"), genericMetadata: times };
    return cloud.operations.done({ parent, response, metadata, call });
  });
}

async function checkModel(sent: JsonObject, call: Call, cloud: Cloud): Promise<void> {
  const found: { field: string; description: string }[] = [];
  if (!textOf(sent.displayName))
    found.push({ field: "model.display_name", description: "Required field is not set: displayName" });
  const bucket = /^gs:\/\/([^/]+)\/./.exec(textOf(sent.artifactUri))?.[1];
  if (sent.artifactUri !== undefined && bucket === undefined) {
    const description = `got '${textOf(sent.artifactUri)}'; expected gs://bucket/folder.`;
    found.push({ field: "model.artifact_uri", description });
  }
  if (found.length > 0) throw badRequest(found);
  if (bucket) await requireBucket(bucket, call, cloud, "Bucket of the model's artifacts");
}

function addVersion(model: Registered, name: string, sent: JsonObject, now: string): JsonObject {
  const number = Number(model.versions.at(-1)?.versionId ?? 0) + 1;
  const { versionAliases = [], ...rest } = sent;
  const kept = Object.fromEntries(Object.entries(rest).filter(([field]) => !OUTPUT_ONLY.includes(field)));
  const createTime = model.versions[0]?.createTime ?? now;
  const version: JsonObject = {
    ...{ ...kept, name, versionId: String(number), versionAliases: [] },
    ...{ createTime, updateTime: now, versionCreateTime: now, versionUpdateTime: now },
    supportedDeploymentResourcesTypes: ["DEDICATED_RESOURCES"],
  };
  model.versions.push(version);
  giveAliases(model, version, [...(versionAliases as string[]), ...(number === 1 ? [DEFAULT] : [])]);
  return version;
}

/** Gives aliases to a version and takes them from the others; `-alias` takes it from this one. */
function giveAliases(model: Registered, version: JsonObject, aliases: readonly string[]): void {
  const wrong = aliases.filter((alias) => !ALIAS.test(alias.replace(/^-/, "")));
  if (wrong.length > 0)
    throw badRequest(
      wrong.map((alias) => ({
        field: "version_aliases",
        description: `got '${alias}'; expected 2-128 of a-z, A-Z, 0-9 and -, beginning with a-z.`,
      })),
    );
  if (aliases.includes(`-${DEFAULT}`))
    throw new ApiError("INVALID_ARGUMENT", "The alias 'default' cannot be removed; give it to another version.");
  const given = aliases.filter((alias) => !alias.startsWith("-"));
  const taken = aliases.filter((alias) => alias.startsWith("-")).map((alias) => alias.slice(1));
  for (const other of model.versions) other.versionAliases = aliasesOf(other).filter((alias) => !given.includes(alias));
  version.versionAliases = [...new Set([...aliasesOf(version), ...given])].filter((alias) => !taken.includes(alias));
}

async function change(
  call: Call,
  cloud: Cloud,
  apply: (model: Registered, version: JsonObject) => void,
): Promise<Json> {
  const name = textOf(call.path.name).split("@")[0] ?? "";
  return cloud.store.exclusive(PREFIX + name, async () => {
    const { model, version } = await versionOf(call, cloud);
    apply(model, version);
    version.updateTime = version.versionUpdateTime = cloud.now().toISOString();
    await cloud.store.write({ put: { [PREFIX + name]: model } });
    return shown(model, version, cloud);
  });
}

async function list(call: Call, cloud: Cloud): Promise<Json> {
  const prefix = `${PREFIX}${textOf(call.path.parent)}/models/`;
  const defaults = {
    ...cloud.store,
    list: async (...args: Parameters<typeof cloud.store.list>) =>
      (await cloud.store.list(...args)).map(({ key, value }) => ({
        key,
        value: byAlias(value as Registered, DEFAULT)!,
      })),
  };
  const { items, nextPageToken } = await listPage({ store: defaults, prefix, accepts: () => true }, call);
  return { ...(items.length > 0 && { models: items.map(withEtag) }), ...(nextPageToken && { nextPageToken }) };
}

/** In turn with uploads: a version that comes meanwhile must not go with the record that was read before. */
function remove(call: Call, cloud: Cloud, isVersion: boolean): Promise<Json> {
  const [name = ""] = textOf(call.path.name).split("@");
  return cloud.store.exclusive(PREFIX + name, () => removeNow(call, cloud, isVersion));
}

async function removeNow(call: Call, cloud: Cloud, isVersion: boolean): Promise<Json> {
  const { model, version, name } = await versionOf(call, cloud);
  const serving = (await deployments(model, cloud)).filter(
    ({ modelVersionId }) => !isVersion || modelVersionId === version.versionId,
  );
  if (serving.length > 0)
    throw new ApiError(
      "FAILED_PRECONDITION",
      `The Model ${name} is deployed at ${serving.map(({ endpoint }) => endpoint).join(", ")}; undeploy it first.`,
    );
  if (isVersion && aliasesOf(version).includes(DEFAULT))
    throw new ApiError(
      "FAILED_PRECONDITION",
      `Version ${textOf(version.versionId)} of ${name} is the default version and cannot be deleted.`,
    );
  const versions = model.versions.filter((other) => other !== version);
  await cloud.store.write(isVersion ? { put: { [PREFIX + name]: { versions } } } : { delete: [PREFIX + name] });
  const response = { "@type": "type.googleapis.com/google.protobuf.Empty" };
  const metadata = { "@type": "type.googleapis.com/google.cloud.aiplatform.v1.DeleteOperationMetadata" };
  return cloud.operations.done({ parent: name.split("/").slice(0, 4).join("/"), response, metadata, call });
}

const versionOf = (call: Call, cloud: Cloud) => modelVersion(textOf(call.path.name), cloud);

/** @param asked `models/1`, `models/1@2` or `models/1@champion` */
export async function modelVersion(
  asked: string,
  cloud: Cloud,
): Promise<{ model: Registered; version: JsonObject; name: string }> {
  const [name = "", which = DEFAULT] = asked.split("@");
  const model = (await cloud.store.get(PREFIX + name)) as Registered | undefined;
  const version = model?.versions.find(({ versionId }) => versionId === which) ?? (model && byAlias(model, which));
  if (!model || !version) throw new ApiError("NOT_FOUND", `The Model ${asked} was not found.`);
  return { model, version, name };
}

async function shown(model: Registered, version: JsonObject, cloud: Cloud): Promise<JsonObject> {
  const found = (await deployments(model, cloud)).filter(({ modelVersionId }) => modelVersionId === version.versionId);
  const deployedModels = found.map(({ endpoint, id }) => ({ endpoint, deployedModelId: id }));
  return { ...withEtag(version), ...(deployedModels.length > 0 && { deployedModels }) };
}

/** Aliases move by a method of their own, which knows no etag: Google's clients change what they read before that. */
function withEtag(version: JsonObject): JsonObject {
  const { versionAliases: _aliases, updateTime: _time, versionUpdateTime: _versionTime, ...content } = version;
  return { ...version, etag: etagOf(content) };
}

/** Where a model serves, from the endpoints' own records. */
async function deployments(
  { versions }: Registered,
  cloud: Cloud,
): Promise<{ endpoint: string; id: string; modelVersionId: string }[]> {
  const name = textOf(versions[0]?.name);
  const endpoints = await cloud.store.list(`${name.split("/").slice(0, 4).join("/")}/endpoints/`);
  return endpoints.flatMap(({ key, value }) =>
    ((value.deployedModels ?? []) as JsonObject[])
      .filter(({ model }) => textOf(model).split("@")[0] === name)
      .map(({ id, modelVersionId }) => ({ endpoint: key, id: textOf(id), modelVersionId: textOf(modelVersionId) })),
  );
}
