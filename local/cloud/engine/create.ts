/** Generic create: id, required fields, defaults, computed fields, idempotent repeats, one durable write. */
import { randomBytes, randomUUID } from "node:crypto";
import type { Cloud } from "../cloud";
import { childName, keyOf, nameInCall, parentInCall } from "./names";
import { answerOf } from "./method-operations";
import { checkRequired, requireParent, resourceInBody, setComputed, setDefaults, type Target } from "./resource";
import { ApiError } from "../errors";
import { resolve, toSnake, type Violation } from "../contract/validate-schema";
import { badRequest } from "../contract/validate";
import type { Call, Json, JsonObject } from "../service";

export async function createResource(target: Target, call: Call, cloud: Cloud): Promise<Json> {
  const { type, types } = target;
  const { sent, wrapper } = resourceInBody(target, call.body);
  const parent =
    "path" in type.id ? nameInCall(type, call).split("/").slice(0, -2).join("/") : parentInCall(type, call);
  const id = idOf(target, call, sent, wrapper);
  const violations = [...id.violations, ...checkRequired(type, sent)];
  if (violations.length > 0) throw badRequest(violations);
  await requireParent(types, type, parent, cloud);
  const name = childName(type, parent, type.segment?.(id.value, cloud) ?? id.value);
  return cloud.store.exclusive(keyOf(type, name), async () => {
    const earlier = await earlierAnswer(call, cloud);
    if (earlier) return earlier;
    if (await cloud.store.get(keyOf(type, name)))
      throw new ApiError("ALREADY_EXISTS", type.messages?.exists?.(name) ?? `Resource '${name}' already exists`);
    return store(target, name, sent, call, cloud);
  });
}

async function store(target: Target, name: string, sent: JsonObject, call: Call, cloud: Cloud): Promise<Json> {
  const { type, method } = target;
  const next: JsonObject = structuredClone(sent);
  if (resolve(method.api, { $ref: type.schema }).properties?.name && next.name === undefined) next.name = name;
  setDefaults(type, next);
  await type.before?.create?.({ next, call, cloud });
  setComputed(target, next, "create", call, cloud);
  const { answer, put } = answerOf("create", target, { name, resource: next, call, cloud });
  await cloud.store.write({ put: { [keyOf(type, name)]: next, ...put, ...requestRecord(call, answer) } });
  await type.after?.create?.({ next, call, cloud });
  return answer;
}

function idOf(
  { type }: Target,
  call: Call,
  sent: JsonObject,
  wrapper: JsonObject,
): { value: string; violations: Violation[] } {
  const { field, value } = readId(type, call, sent, wrapper);
  if (value === undefined || value === "")
    return { value: "", violations: [{ field, description: `Required field is not set: ${field}` }] };
  if (!type.idPattern || type.idPattern.test(value)) return { value, violations: [] };
  const description = `Invalid value for ${field}: got '${value}'; expected a match of ${type.idPattern.source}`;
  return { value, violations: [{ field, description }] };
}

function readId(
  type: Target["type"],
  call: Call,
  sent: JsonObject,
  wrapper: JsonObject,
): { field: string; value: string | undefined } {
  const { id } = type;
  if ("path" in id) return { field: "name", value: nameInCall(type, call).split("/").at(-1) };
  if ("query" in id) {
    const asked = given(call.query[id.query]);
    return { field: toSnake(id.query), value: asked || (id.otherwise && newNumber()) };
  }
  if ("body" in id) return { field: toSnake(id.body), value: given(wrapper[id.body] ?? sent[id.body]) };
  if ("bodyName" in id) return { field: "name", value: given(sent.name)?.split("/").at(-1) };
  return {
    field: "name",
    value: id.server === "uuid" ? randomUUID() : newNumber(),
  };
}

const newNumber = () => (randomBytes(8).readBigUInt64BE() >> 4n).toString();

const given = (value: Json | undefined) => (typeof value === "string" ? value : undefined);

/** A repeated `requestId` gets the first answer again, whatever else the repeat says (AIP-155). */
async function earlierAnswer(call: Call, cloud: Cloud): Promise<Json | undefined> {
  const key = requestKey(call);
  const record = key && (await cloud.store.get(key));
  return record ? record.answer : undefined;
}

function requestRecord(call: Call, answer: Json): Record<string, JsonObject> {
  const key = requestKey(call);
  return key ? { [key]: { answer } } : {};
}

function requestKey(call: Call): string | undefined {
  const id = given(call.query.requestId);
  return id ? `requests/${call.methodId}/${id}` : undefined;
}
