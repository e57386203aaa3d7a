/**
 * Vertex ML Metadata: contexts (experiments, runs, pipelines), executions and artifacts, and how they hang together.
 * Source: MetadataService in google/cloud/aiplatform/v1/metadata_service.proto.
 */
import type { Cloud } from "../../cloud";
import { listPage } from "../../engine/list";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject, ResourceType } from "../../service";

const COLLECTION = "aiplatform.projects.locations.metadataStores";
const STORE = "projects/{project}/locations/{location}/metadataStores/{store}";
const NODES = ["contexts", "executions", "artifacts"] as const;
const ID = /^[a-z0-9][a-zA-Z0-9-_]{0,127}$/;

export function metadataTypes(version: "v1" | "v1beta1"): ResourceType[] {
  const schema = (name: string) => `GoogleCloudAiplatform${version === "v1" ? "V1" : "V1beta1"}${name}`;
  const node = (plural: (typeof NODES)[number], singular: string, idField: string): ResourceType => ({
    collection: `${COLLECTION}.${plural}`,
    schema: schema(singular),
    listField: plural,
    name: `${STORE}/${plural}/{id}`,
    id: { query: idField, otherwise: "number" },
    idPattern: ID,
    immutable: ["schemaTitle", "schemaVersion"],
    operations: { delete: true, responseType: "google.protobuf.Empty" },
    before: { delete: ({ current, cloud }) => forget(textOf(current!.name), cloud) },
    source: `https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.metadataStores.${plural}`,
  });
  const store: ResourceType = {
    collection: COLLECTION,
    schema: schema("MetadataStore"),
    listField: "metadataStores",
    name: STORE.replace("{store}", "{id}"),
    id: { query: "metadataStoreId", otherwise: "number" },
    operations: { create: true, delete: true, responseType: `google.cloud.aiplatform.${version}.MetadataStore` },
    source: "https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.metadataStores",
  };
  return [
    store,
    node("contexts", "Context", "contextId"),
    node("executions", "Execution", "executionId"),
    node("artifacts", "Artifact", "artifactId"),
  ];
}

/** Keys of what holds nodes together: membership of a context, and an event between execution and artifact. */
export const memberKey = (context: string, member: string) => `aiplatform/members/${context}/${member}`;
export const eventKey = (event: JsonObject) =>
  `aiplatform/events/${textOf(event.execution)}/${textOf(event.type)}/${textOf(event.artifact)}`;

/** A node that is made again under its name is in no context and has no events. */
async function forget(name: string, cloud: Cloud): Promise<void> {
  const members = await cloud.store.list("aiplatform/members/");
  const events = await allEvents(cloud, name);
  const gone = [
    ...members.filter(({ value }) => value.context === name || value.member === name).map(({ key }) => key),
    ...events.filter(({ execution, artifact }) => execution === name || artifact === name).map(eventKey),
  ];
  await cloud.store.write({ delete: gone });
}

export const metadataMethods: Readonly<Record<string, Behaviour>> = {
  ...Object.fromEntries(NODES.map((plural) => [`${COLLECTION}.${plural}.list`, listOf(plural)])),
  [`${COLLECTION}.contexts.addContextArtifactsAndExecutions`]: async (call, cloud) => {
    const context = textOf(call.path.context);
    const members = [...names(call.body.artifacts), ...names(call.body.executions)];
    await requireAll([context, ...members], cloud);
    await cloud.store.write({
      put: Object.fromEntries(members.map((member) => [memberKey(context, member), { context, member }])),
    });
    return {};
  },
  [`${COLLECTION}.contexts.addContextChildren`]: (call, cloud) =>
    changeParents(call, cloud, (parents, parent) => [...new Set([...parents, parent])]),
  [`${COLLECTION}.contexts.removeContextChildren`]: (call, cloud) =>
    changeParents(call, cloud, (parents, parent) => parents.filter((other) => other !== parent)),
  [`${COLLECTION}.contexts.queryContextLineageSubgraph`]: async (call, cloud) => {
    const context = textOf(call.path.context);
    await requireAll([context], cloud);
    const members = await membersOf(context, cloud);
    const events = (await allEvents(cloud, context)).filter(({ execution }) => members.has(textOf(execution)));
    return subgraph([...members, ...events.map(({ artifact }) => textOf(artifact))], events, cloud);
  },
  [`${COLLECTION}.executions.addExecutionEvents`]: async (call, cloud) => {
    const execution = textOf(call.path.execution);
    const sent = (call.body.events ?? []) as JsonObject[];
    await requireAll([execution, ...sent.map(({ artifact }) => textOf(artifact))], cloud);
    const eventTime = cloud.now().toISOString();
    const events = sent.map((event) => ({ ...event, execution, eventTime }));
    await cloud.store.write({ put: Object.fromEntries(events.map((event) => [eventKey(event), event])) });
    return {};
  },
  [`${COLLECTION}.executions.queryExecutionInputsAndOutputs`]: async (call, cloud) => {
    const execution = textOf(call.path.execution);
    await requireAll([execution], cloud);
    const events = (await cloud.store.list(`aiplatform/events/${execution}/`)).map(({ value }) => value);
    return subgraph([execution, ...events.map(({ artifact }) => textOf(artifact))], events, cloud);
  },
  [`${COLLECTION}.artifacts.queryArtifactLineageSubgraph`]: lineage,
};

/** Everything that an artifact was made from and that was made from it. */
async function lineage(call: Call, cloud: Cloud): Promise<Json> {
  const artifact = textOf(call.path.artifact);
  await requireAll([artifact], cloud);
  if (textOf(call.query.filter) !== "")
    throw new ApiError("UNIMPLEMENTED", "filter: the lineage of an artifact is answered whole by this cloud.");
  const hops = Number(call.query.maxHops ?? 100);
  const events = await allEvents(cloud, artifact);
  const reached = new Set([artifact]);
  for (let hop = 0; hop < Math.min(hops, 100); hop += 1) {
    const before = reached.size;
    const touched = events.filter(
      (event) => reached.has(textOf(event.artifact)) || reached.has(textOf(event.execution)),
    );
    for (const event of touched) reached.add(textOf(event.artifact)).add(textOf(event.execution));
    if (reached.size === before) break;
  }
  return subgraph(
    [...reached],
    events.filter(({ execution }) => reached.has(textOf(execution))),
    cloud,
  );
}

async function subgraph(nodes: readonly string[], events: readonly JsonObject[], cloud: Cloud): Promise<JsonObject> {
  const found = (await Promise.all([...new Set(nodes)].map((name) => cloud.store.get(name)))).filter(
    (node) => node !== undefined,
  );
  const kind = (plural: string) => found.filter(({ name }) => textOf(name).split("/").at(-2) === plural);
  return { artifacts: kind("artifacts"), executions: kind("executions"), events: [...events] };
}

/** Filters of these lists know, beside fields, `in_context("<name>")`. */
function listOf(plural: (typeof NODES)[number]): Behaviour {
  return async (call, cloud) => {
    const prefix = `${textOf(call.path.parent)}/${plural}/`;
    const contexts: string[] = [];
    const filter = textOf(call.query.filter).replace(/\bin_context\("([^"]+)"\)/g, (_, context: string) => {
      contexts.push(context);
      return "name:*";
    });
    const members = await Promise.all(contexts.map((context) => membersOf(context, cloud)));
    const accepts = (key: string) => members.every((of) => of.has(key));
    const query = { ...call.query, ...(filter && { filter }) };
    const { items, nextPageToken } = await listPage({ store: cloud.store, prefix, accepts }, { ...call, query });
    return { ...(items.length > 0 && { [plural]: items }), ...(nextPageToken && { nextPageToken }) };
  };
}

async function membersOf(context: string, cloud: Cloud): Promise<Set<string>> {
  return new Set((await cloud.store.list(memberKey(context, ""))).map(({ value }) => textOf(value.member)));
}

/** Events of the metadata store that a node is in. */
async function allEvents(cloud: Cloud, node: string): Promise<JsonObject[]> {
  const store = node.split("/").slice(0, 6).join("/");
  return (await cloud.store.list(`aiplatform/events/${store}/`)).map(({ value }) => value);
}

async function changeParents(
  call: Call,
  cloud: Cloud,
  change: (parents: string[], parent: string) => string[],
): Promise<Json> {
  const parent = textOf(call.path.context);
  const children = names(call.body.childContexts);
  await requireAll([parent, ...children], cloud);
  for (const child of children) {
    await cloud.store.exclusive(child, async () => {
      const context = (await cloud.store.get(child))!;
      const parentContexts = change((context.parentContexts ?? []) as string[], parent);
      await cloud.store.write({ put: { [child]: { ...context, parentContexts } } });
    });
  }
  return {};
}

const names = (list: Json | undefined) => (list ?? []) as string[];

async function requireAll(wanted: readonly string[], cloud: Cloud): Promise<void> {
  const found = await Promise.all(wanted.map((name) => cloud.store.get(name)));
  const missing = wanted.filter((_, at) => found[at] === undefined);
  if (missing.length > 0) throw new ApiError("NOT_FOUND", `Not found in the metadata store: ${missing.join(", ")}.`);
}
