/** Compute's own form of long-running operations: global or of a region, always done at once. */
import { randomUUID } from "node:crypto";
import type { Cloud } from "../../cloud";
import { pageOf } from "../../engine/list";
import { operationKey } from "../../engine/operations";
import { textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../service";
import { linkTo } from "./links";

const VERBS = { create: "insert", patch: "patch", delete: "delete" } as const;

interface Done {
  /** Name of the resource, `projects/p/global/networks/x`. */
  name: string;
  resource: JsonObject;
  verb: string;
  call: Call;
  cloud: Cloud;
}

/** A finished operation about a resource, and the keys that store it. */
export function doneOperation({ name, resource, verb, call, cloud }: Done): {
  answer: JsonObject;
  put: Record<string, JsonObject>;
} {
  const place = name.split("/").slice(0, -2).join("/");
  const id = `operation-${cloud.now().getTime()}-${randomUUID()}`;
  const now = cloud.now().toISOString();
  const region = /^projects\/[^/]+\/regions\/[^/]+$/.test(place) ? linkTo(place) : undefined;
  const operation: JsonObject = {
    kind: "compute#operation",
    id: textOf(resource.id),
    name: id,
    operationType: VERBS[verb as keyof typeof VERBS] ?? verb,
    targetLink: linkTo(name),
    targetId: textOf(resource.id),
    status: "DONE",
    user: call.principal.email,
    progress: 100,
    insertTime: now,
    startTime: now,
    endTime: now,
    selfLink: linkTo(`${place}/operations/${id}`),
    ...(region && { region }),
  };
  return { answer: operation, put: { [operationKey(`${place}/operations/${id}`)]: { api: "compute", operation } } };
}

/** Stores a finished operation together with the changes that it reports. */
export async function finish(done: Done, changes: Record<string, JsonObject>): Promise<Json> {
  const { answer, put } = doneOperation(done);
  await done.cloud.store.write({ put: { ...changes, ...put } });
  return answer;
}

const placeOf = ({ path }: Call) =>
  `projects/${path.project}/${path.region === undefined ? "global" : `regions/${path.region}`}`;
const nameOf = (call: Call) => `${placeOf(call)}/operations/${call.path.operation}`;

const get: Behaviour = (call, cloud) => cloud.operations.get(nameOf(call));
const list: Behaviour = async (call, cloud) => {
  const all = await cloud.operations.list("compute", placeOf(call));
  const { items, nextPageToken } = pageOf(
    all.map((value) => ({ key: textOf(value.name), value })),
    call,
  );
  return { kind: "compute#operationList", items, ...(nextPageToken && { nextPageToken }) };
};

/** Everything is done before it is answered, so that waiting is reading. */
export const operationMethods: Record<string, Behaviour> = {
  ...{ "compute.globalOperations.get": get, "compute.globalOperations.wait": get },
  ...{ "compute.regionOperations.get": get, "compute.regionOperations.wait": get },
  ...{ "compute.globalOperations.list": list, "compute.regionOperations.list": list },
};
