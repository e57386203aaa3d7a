/** Operations in the generic engine: the answer of a change, and the methods of every API's operations collection. */
import type { Cloud, Operations } from "../cloud";
import type { Target } from "./resource";
import { pageOf } from "./list";
import { operationParent } from "./names";
import { textOf } from "../json";
import { ApiError } from "../errors";
import type { Method } from "../contract/contract";
import { resolve } from "../contract/validate-schema";
import type { Behaviour, Call, Json, JsonObject } from "../service";

/**
 * What a change answers: the resource (or `{}` for a delete), or a finished operation with it, to be stored in the same
 * write as the change.
 */
export function answerOf(
  verb: "create" | "patch" | "delete",
  { type, method }: Target,
  { name, resource, call, cloud }: { name: string; resource: JsonObject; call: Call; cloud: Cloud },
): { answer: JsonObject; put: Record<string, JsonObject> } {
  const answersResource = method.response === type.schema;
  if (!type.operations?.[verb]) return { answer: verb === "delete" && !answersResource ? {} : resource, put: {} };
  if (type.operations.form) return type.operations.form({ verb, name, resource, call, cloud });
  const response =
    verb === "delete"
      ? { "@type": "type.googleapis.com/google.protobuf.Empty" }
      : { "@type": typeUrl(type.operations.responseType), ...resource };
  const metadata = metadataOf({ type, method }, verb, name, cloud);
  const { operation, put } = cloud.operations.prepareDone({ parent: operationParent(name), metadata, response, call });
  return { answer: operation, put };
}

/** The fields of google.cloud.common.OperationMetadata that this API's own metadata schema has. */
function metadataOf(
  { type, method }: Pick<Target, "type" | "method">,
  verb: string,
  name: string,
  cloud: Cloud,
): JsonObject | undefined {
  const typeName = type.operations?.metadataType;
  if (!typeName) return undefined;
  const now = cloud.now().toISOString();
  const known: JsonObject = {
    createTime: now,
    endTime: now,
    target: name,
    verb,
    apiVersion: method.api.name.split(".")[1] ?? "",
  };
  const schema = typeName.split(".").at(-1) ?? "";
  const properties = method.api.schemas[schema] && resolve(method.api, { $ref: schema }).properties;
  const kept = Object.entries(known).filter(([key]) => !properties || Object.hasOwn(properties, key));
  return { "@type": typeUrl(typeName), ...Object.fromEntries(kept) };
}

const typeUrl = (name: string) => (name.includes("/") ? name : `type.googleapis.com/${name}`);

/** get, list, delete, cancel and wait; cancelling what is pending needs the service that started it. */
export function operationBehaviour(method: Method, verb: string): Behaviour | undefined {
  const behaviours: Record<string, Behaviour> = {
    get: (call, cloud) => cloud.operations.get(nameOf(call)),
    list: (call, cloud) => listOperations(call, cloud.operations),
    delete: async (call, cloud) => {
      await cloud.operations.remove(nameOf(call));
      return {};
    },
    cancel: async (call, cloud) => {
      const operation = await cloud.operations.get(nameOf(call));
      if (operation.done === true) return {};
      throw new ApiError(
        "UNIMPLEMENTED",
        `Method ${call.methodId} is not implemented for pending operations of this API.`,
      );
    },
    wait: (call, cloud) => cloud.operations.wait(nameOf(call), timeoutOf(call.body.timeout)),
  };
  // Compute's operations have another shape (status, zone, targetLink) and are its service's own.
  return method.api.name.startsWith("compute.") ? undefined : behaviours[verb];
}

const nameOf = (call: Call) => call.path.name ?? "";

/** At most what a client's connection survives. */
function timeoutOf(duration: Json | undefined): number {
  const seconds = typeof duration === "string" ? Number(duration.replace(/s$/, "")) : 30;
  return Math.min(Number.isFinite(seconds) ? seconds : 30, 60) * 1000;
}

async function listOperations(call: Call, operations: Operations): Promise<Json> {
  const asked = call.path.name ?? (typeof call.query.name === "string" ? call.query.name : "");
  const parent = asked.replace(/\/?operations$/, "");
  const all = await operations.list(call.methodId.split(".")[0] ?? "", parent);
  const { items, nextPageToken } = pageOf(
    all.map((value) => ({ key: textOf(value.name), value })),
    call,
  );
  return { ...(items.length > 0 && { operations: items }), ...(nextPageToken && { nextPageToken }) };
}
