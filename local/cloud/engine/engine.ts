/**
 * The generic engine: what creating, reading, listing, changing and deleting mean for every resource type, from the
 * method's description and the type's reviewed row. Anything a type does beyond is in its service file.
 */
import { createResource } from "./create";
import { patchResource, updateResource, deleteResource } from "./change";
import { listPage } from "./list";
import { childName, fullNameOf, keyOf, matches, parentInCall } from "./names";
import { operationBehaviour } from "./method-operations";
import { policyBehaviour } from "./method-policies";
import { readResource, requireParent, storedName, type Target } from "./resource";
import { ApiError } from "../errors";
import type { Method } from "../contract/contract";
import type { Behaviour, Call, Json, ResourceType, Service } from "../service";
import type { Cloud } from "../cloud";

type Generic = (target: Target, call: Call, cloud: Cloud) => Promise<Json>;

const VERBS: Record<string, Generic> = {
  create: createResource,
  insert: createResource,
  get: getResource,
  list: listResources,
  patch: patchResource,
  update: updateResource,
  delete: deleteResource,
};

/** The generic behaviour of a described method; undefined if it has none and the service must bring one. */
export function genericBehaviour(
  method: Method,
  service: Service,
  types: readonly ResourceType[],
): Behaviour | undefined {
  const cut = method.id.lastIndexOf(".");
  const [collection, verb] = [method.id.slice(0, cut), method.id.slice(cut + 1)];
  if (collection.endsWith(".operations") || collection === "operations") return operationBehaviour(method, verb);
  const type = service.types.find((candidate) => candidate.collection === collection);
  if (!type) return undefined;
  if (type.policy) {
    const behaviour = policyBehaviour(verb, (call, cloud) => existingFullName(type, call, cloud));
    if (behaviour) return behaviour;
  }
  const generic = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (!generic) return undefined;
  return async (call, cloud) => {
    refuseDryRun(call);
    return generic({ type, method, types }, call, cloud);
  };
}

/** What is only to be checked would be made. */
function refuseDryRun({ methodId, query }: Call): void {
  if (query.validateOnly !== "true") return;
  throw new ApiError("UNIMPLEMENTED", `Method ${methodId} with validate_only is not implemented by this cloud.`);
}

async function existingFullName(type: ResourceType, call: Call, cloud: Cloud): Promise<string> {
  const name = await storedName(type, call, cloud);
  await readResource(type, name, cloud);
  return fullNameOf(type, name);
}

async function getResource({ type }: Target, call: Call, cloud: Cloud): Promise<Json> {
  const resource = await readResource(type, await storedName(type, call, cloud), cloud);
  return type.view ? type.view(resource, cloud) : resource;
}

async function listResources({ type, types }: Target, call: Call, cloud: Cloud): Promise<Json> {
  const parent = parentInCall(type, call);
  await requireParent(types, type, parent, cloud);
  const pattern = childName(type, parent.replace(/(?<=^|\/)-(?=\/|$)/g, "{any}"), "{id}");
  const prefix = keyOf(type, pattern.slice(0, pattern.indexOf("{")));
  const strip = (type.keyPrefix ?? "").length;
  const source = { store: cloud.store, prefix, accepts: (key: string) => matches(pattern, key.slice(strip)) };
  const { items: stored, nextPageToken } = await listPage(source, call);
  const items = type.view ? await Promise.all(stored.map((item) => type.view!(item, cloud))) : stored;
  return { ...(items.length > 0 && { [type.listField]: items }), ...(nextPageToken && { nextPageToken }) };
}
