/**
 * What all resources of Compute Engine share: links and numbers that the server gives, references that must exist, JSON
 * merge patches, operations of Compute's own form, deletion refused while something uses the resource.
 */
import { createHash } from "node:crypto";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Hook, JsonObject, ResourceType, ServerSet } from "../../service";
import { invalidField, linkTo, nameIn, resolveLink, usersOf } from "./links";
import { doneOperation } from "./operations";
import { regionsOf } from "./places";

export interface ComputeRow {
  /** `networks`, as in paths. */
  plural: string;
  /** Where the description's collection differs from the path (`globalAddresses`). */
  collection?: string;
  schema: string;
  /** Path parameter of the resource. */
  parameter: string;
  scope: "global" | "regional";
  required?: readonly string[];
  immutable?: readonly string[];
  defaults?: ResourceType["defaults"];
  /** Fields that hold a link to a resource that must exist. */
  references?: readonly string[];
  serverSet?: Record<string, ServerSet | { always: ServerSet }>;
  /** Checks and completes what will be stored; `current` only on a change. */
  check?: (next: JsonObject, cloud: Cloud, current?: JsonObject) => Promise<void> | void;
  /** Users that do not hinder the deletion. */
  ignoresUser?: (name: string) => boolean;
  view?: ResourceType["view"];
  source: string;
}

export function computeType(row: ComputeRow): ResourceType {
  const place = row.scope === "global" ? "global" : "regions/{region}";
  return {
    collection: `compute.${row.collection ?? row.plural}`,
    schema: row.schema,
    listField: "items",
    name: `projects/{project}/${place}/${row.plural}/{${row.parameter}}`,
    id: { bodyName: true },
    idPattern: /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/,
    required: ["name", ...(row.required ?? [])],
    defaults: row.defaults ?? {},
    serverSet: {
      kind: () => `compute#${row.parameter}`,
      creationTimestamp: ({ now }) => now,
      id: ({ resource, now }) => numberOf(`${row.plural}/${textOf(resource.name)} ${now}`),
      selfLink: ({ resource, call }) => linkTo(nameFor(row, resource, call.path)),
      ...(row.scope === "regional" && {
        region: (({ call }) => linkTo(`projects/${call.path.project}/regions/${call.path.region}`)) as ServerSet,
      }),
      ...row.serverSet,
    },
    messages: {
      missing: (name) => `The resource '${name}' was not found`,
      exists: (name) => `The resource '${name}' already exists`,
    },
    operations: {
      ...{ create: true, patch: true, delete: true, responseType: row.schema },
      form: doneOperation,
    },
    before: { create: creating(row), patch: changing(row), delete: deleting(row) },
    ...(row.view && { view: row.view }),
    source: row.source,
  };
}

const nameFor = ({ scope, plural }: ComputeRow, resource: JsonObject, path: Record<string, string>) =>
  `projects/${path.project}/${scope === "global" ? "global" : `regions/${path.region}`}/${plural}/${textOf(resource.name)}`;

/** As Google's: an unsigned 64-bit number as text. */
export const numberOf = (text: string) =>
  (createHash("sha256").update(text).digest().readBigUInt64BE() >> 1n).toString();

/** Changes with the content, so that a client that read something older is found out. */
export const fingerprintOf = (value: JsonObject) =>
  createHash("sha256").update(JSON.stringify(value)).digest().subarray(0, 8).toString("base64");

function creating(row: ComputeRow): Hook {
  return async ({ next, call, cloud }) => {
    if (row.scope === "regional") requireRegion(call.path.region, cloud);
    dropEmpty(next);
    await follow(row, next, cloud);
    await row.check?.(next, cloud);
  };
}

function changing(row: ComputeRow): Hook {
  return async ({ current, next, call, cloud }) => {
    for (const [key, sent] of Object.entries(call.body)) {
      const before = current![key];
      if (call.methodId.endsWith(".patch") && isObject(before) && isObject(sent)) next[key] = { ...before, ...sent };
    }
    dropEmpty(next);
    await follow(row, next, cloud);
    for (const field of ["name", ...(row.immutable ?? [])]) {
      if (JSON.stringify(next[field]) !== JSON.stringify(current![field]))
        throw invalidField(field, textOf(next[field]), "The field cannot be changed.");
    }
    await row.check?.(next, cloud, current);
  };
}

/** Every reference in its one form; what it names must exist. */
async function follow({ references = [] }: ComputeRow, next: JsonObject, cloud: Cloud): Promise<void> {
  for (const field of references) {
    const link = next[field];
    if (typeof link === "string") next[field] = await resolveLink(field, link, cloud);
  }
}

/** Compute keeps no empty lists and texts. */
function dropEmpty(resource: JsonObject): void {
  for (const [key, value] of Object.entries(resource)) {
    if (value === "" || value === null || (Array.isArray(value) && value.length === 0)) delete resource[key];
  }
}

function deleting({ schema, ignoresUser }: ComputeRow): Hook {
  return async ({ current, cloud }) => {
    const name = nameIn(textOf(current!.selfLink), cloud);
    const user = (await usersOf(name, cloud)).find((holder) => !ignoresUser?.(holder));
    if (user === undefined) return;
    const message = `The ${schema.toLowerCase()} resource '${name}' is already being used by '${user}'`;
    throw new ApiError("FAILED_PRECONDITION", message, [], 400, "resourceInUseByAnotherResource");
  };
}

function requireRegion(region: string | undefined, cloud: Cloud): void {
  if (region !== undefined && regionsOf(cloud).includes(region)) return;
  const message = `Invalid value for field 'region': '${region}'. Unknown region.`;
  throw new ApiError("INVALID_ARGUMENT", message, [], 400, "invalid");
}
