/** Generic patch, update and delete. */
import type { Cloud } from "../cloud";
import { applyUpdate, getField, parseUpdateMask, setField } from "./fields";
import { fullNameOf, keyOf } from "./names";
import { answerOf } from "./method-operations";
import {
  checkEtag,
  checkImmutable,
  checkRequired,
  readResource,
  resourceInBody,
  setComputed,
  storedName,
  type Target,
} from "./resource";
import { ApiError } from "../errors";
import { policyKey } from "./policies";
import { resolve } from "../contract/validate-schema";
import { badRequest } from "../contract/validate";
import type { Call, Json, JsonObject } from "../service";

/** PATCH: the fields of the mask (query or body), or the top-level fields that were sent. */
export function patchResource(target: Target, call: Call, cloud: Cloud): Promise<Json> {
  const { sent, wrapper } = resourceInBody(target, call.body);
  const text = call.query.updateMask ?? wrapper.updateMask;
  const mask =
    typeof text === "string" && text !== ""
      ? parseUpdateMask(target.method.api, target.type.schema, relative(text, target.type.maskPrefix))
      : undefined;
  // The name says which resource it is and the etag which version; neither is a change.
  const { name: _name, etag, ...changes } = sent;
  return change(target, call, cloud, etag, (current) => applyUpdate(current, changes, mask));
}

const relative = (mask: string, prefix: string | undefined) =>
  prefix === undefined
    ? mask
    : mask
        .split(",")
        .map((path) => path.trim().replace(`${prefix}.`, ""))
        .join(",");

/** PUT: what is not sent is removed, except output-only fields and the name. */
export function updateResource(target: Target, call: Call, cloud: Cloud): Promise<Json> {
  const { sent } = resourceInBody(target, call.body);
  const { etag, ...fields } = sent;
  return change(target, call, cloud, etag, (current) => {
    const { properties = {} } = resolve(target.method.api, { $ref: target.type.schema });
    const kept = Object.keys(current).filter(
      (key) => key === "name" || properties[key]?.readOnly || isComputed(target, key),
    );
    return { ...fields, ...Object.fromEntries(kept.map((key) => [key, current[key]!])) };
  });
}

const isComputed = ({ type }: Target, key: string) => Object.hasOwn(type.serverSet ?? {}, key);

async function change(
  target: Target,
  call: Call,
  cloud: Cloud,
  etag: Json | undefined,
  apply: (current: JsonObject) => JsonObject,
): Promise<Json> {
  const { type } = target;
  const name = await storedName(type, call, cloud);
  return cloud.store.exclusive(keyOf(type, name), async () => {
    const current = await readResource(type, name, cloud);
    checkEtag(etag, current);
    const next = apply(current);
    for (const path of Object.keys(type.serverSet ?? {})) setField(next, path, getField(current, path));
    checkImmutable(type, current, next);
    const violations = checkRequired(type, next);
    if (violations.length > 0) throw badRequest(violations);
    await type.before?.patch?.({ current, next, call, cloud });
    setComputed(target, next, "patch", call, cloud);
    const { answer, put } = answerOf("patch", target, { name, resource: next, call, cloud });
    await cloud.store.write({ put: { [keyOf(type, name)]: next, ...put } });
    await type.after?.patch?.({ current, next, call, cloud });
    return answer;
  });
}

/** DELETE: refused while resources below it exist, unless `force` is asked and described; its policy goes with it. */
export async function deleteResource(target: Target, call: Call, cloud: Cloud): Promise<Json> {
  const { type } = target;
  const name = await storedName(type, call, cloud);
  const key = keyOf(type, name);
  return cloud.store.exclusive(key, async () => {
    const current = await readResource(type, name, cloud);
    checkEtag(call.query.etag, current);
    const isForced = type.cascades || call.query.force === "true";
    const below = await cloud.store.list(`${key}/`, isForced ? {} : { limit: 1 });
    if (below.length > 0 && !isForced) {
      throw new ApiError(
        "FAILED_PRECONDITION",
        `Resource '${name}' has nested resources (${below[0]!.key}); delete them first.`,
      );
    }
    await type.before?.delete?.({ current, next: current, call, cloud });
    const { answer, put } = answerOf("delete", target, { name, resource: current, call, cloud });
    await cloud.store.write({
      put,
      delete: [key, policyKey(fullNameOf(type, name)), ...below.map((entry) => entry.key)],
    });
    await type.after?.delete?.({ current, next: current, call, cloud });
    return answer;
  });
}
