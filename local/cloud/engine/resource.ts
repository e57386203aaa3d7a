/** Parts of creating and changing a resource that both share: the body, the rules of the type's row, computed fields. */
import { createHash } from "node:crypto";
import type { Cloud } from "../cloud";
import { dropOutputOnly, getField, setField } from "./fields";
import { keyOf, matches, nameInCall } from "./names";
import { textOf } from "../json";
import { ApiError } from "../errors";
import { resolve, toSnake, type Violation } from "../contract/validate-schema";
import { badRequest } from "../contract/validate";
import type { Method } from "../contract/contract";
import type { Call, Json, JsonObject, ResourceType } from "../service";

/** What every generic behaviour works with. */
export interface Target {
  type: ResourceType;
  method: Method;
  /** All types of all services: parents and children are looked up here. */
  types: readonly ResourceType[];
}

/** The stored resource of that name; NOT_FOUND if there is none. */
export async function readResource(type: ResourceType, name: string, cloud: Cloud): Promise<JsonObject> {
  const resource = await cloud.store.get(keyOf(type, name));
  if (!resource) throw new ApiError("NOT_FOUND", type.messages?.missing?.(name) ?? `Resource '${name}' was not found`);
  return resource;
}

/** Name of the resource that a call is about, as it is stored. */
export async function storedName(type: ResourceType, call: Call, cloud: Cloud): Promise<string> {
  const name = nameInCall(type, call);
  return type.alias ? type.alias(name, cloud) : name;
}

/** A parent that is itself a stored resource must exist. */
export async function requireParent(
  types: readonly ResourceType[],
  type: ResourceType,
  parent: string,
  cloud: Cloud,
): Promise<void> {
  if (parent === "" || /(^|\/)-(\/|$)/.test(parent)) return;
  const api = type.collection.split(".")[0];
  const parentType = types.find(
    (candidate) => candidate.collection.split(".")[0] === api && matches(candidate.name, parent),
  );
  if (parentType) await readResource(parentType, parent, cloud);
}

/**
 * The resource in a request: the body itself, or one field of a wrapping request message
 * (`{accountId, serviceAccount: {…}}`); output-only fields are dropped.
 */
export function resourceInBody({ type, method }: Target, body: JsonObject): { sent: JsonObject; wrapper: JsonObject } {
  const reference = { $ref: type.schema };
  const { properties = {} } = method.request ? resolve(method.api, { $ref: method.request }) : {};
  if (method.request === type.schema || !method.request)
    return { sent: dropOutputOnly(method.api, reference, body), wrapper: {} };
  const field = Object.keys(properties).find((name) => properties[name]?.$ref === type.schema);
  if (!field)
    throw new Error(
      `${method.id}: request ${method.request} carries no ${type.schema}; the service must bring this method.`,
    );
  const { [field]: inner = {}, ...wrapper } = body;
  return { sent: dropOutputOnly(method.api, reference, inner as JsonObject), wrapper };
}

export function checkRequired(type: ResourceType, resource: JsonObject): Violation[] {
  return (type.required ?? [])
    .filter((path) => isUnset(getField(resource, path)))
    .map((path) => ({
      field: path.split(".").map(toSnake).join("."),
      description: `Required field is not set: ${path}`,
    }));
}

const isUnset = (value: Json | undefined) => value === undefined || value === null || value === "";

/** Fields that may not change once they are set. */
export function checkImmutable(type: ResourceType, current: JsonObject, next: JsonObject): void {
  const changed = (type.immutable ?? []).filter(
    (path) => JSON.stringify(getField(current, path)) !== JSON.stringify(getField(next, path)),
  );
  if (changed.length === 0) return;
  throw badRequest(
    changed.map((path) => ({
      field: path.split(".").map(toSnake).join("."),
      description: `Field is immutable and cannot be changed: ${path}`,
    })),
  );
}

export function setDefaults(type: ResourceType, resource: JsonObject): void {
  for (const [path, value] of Object.entries(type.defaults ?? {})) {
    if (getField(resource, path) === undefined) setField(resource, path, structuredClone(value));
  }
}

/**
 * Output-only fields: those of the type's row, then the standard ones of AIP-148 and AIP-154 where the schema has them
 * (`createTime`, `updateTime`, `etag`).
 */
export function setComputed(
  { type, method }: Target,
  resource: JsonObject,
  on: "create" | "patch",
  call: Call,
  cloud: Cloud,
): void {
  const now = cloud.now().toISOString();
  const { properties = {} } = resolve(method.api, { $ref: type.schema });
  if (on === "create" && properties.createTime) resource.createTime = now;
  if (properties.updateTime) resource.updateTime = now;
  for (const [path, compute] of Object.entries(type.serverSet ?? {})) {
    const context = { resource, call, cloud, now, on };
    if (typeof compute !== "function") setField(resource, path, compute.always(context));
    else if (on === "create") setField(resource, path, compute(context));
  }
  if (properties.etag) resource.etag = etagOf(resource);
}

/** Same content, same etag; base64, because some descriptions give etags the format `byte`. */
export function etagOf(resource: JsonObject): string {
  const content = { ...resource };
  delete content.etag;
  return createHash("sha256").update(JSON.stringify(content)).digest("base64").slice(0, 16);
}

/** A client that names the version that it read must not overwrite a newer one (AIP-154). */
export function checkEtag(sent: Json | undefined, current: JsonObject): void {
  if (typeof sent !== "string" || sent === "" || sent === current.etag) return;
  throw new ApiError(
    "ABORTED",
    `The etag provided (${sent}) does not match the current etag of the resource (${textOf(current.etag)}).`,
  );
}
