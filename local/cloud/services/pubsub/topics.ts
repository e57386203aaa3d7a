/** Topics: made by PUT under their own name; subscriptions outlive them. */
import type { Cloud } from "../../cloud";
import { pageOf } from "../../engine/list";
import { ApiError, invalid } from "../../errors";
import { textOf } from "../../json";
import type { Behaviour, Hook, JsonObject, ResourceType } from "../../service";
import { checkDuration } from "../delivery/durations";

/** Topics and subscriptions. Source: https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names */
export const NAME = /^(?!goog)[A-Za-z][\w\-.~+%]{2,254}$/;
/** What a subscription shows in place of a topic that is gone. */
export const DELETED_TOPIC = "_deleted-topic_";

const check: Hook = ({ next }) => {
  const unserved = ["ingestionDataSourceSettings", "messageTransforms", "schemaSettings"].filter(
    (field) => next[field],
  );
  if (unserved.length > 0)
    throw new ApiError("UNIMPLEMENTED", `Topics with ${unserved.join(", ")} are not served by this cloud.`);
  checkDuration("message_retention_duration", next.messageRetentionDuration, 600, 31 * 24 * 3600);
};

export const topics: ResourceType = {
  collection: "pubsub.projects.topics",
  schema: "Topic",
  listField: "topics",
  name: "projects/{project}/topics/{topic}",
  id: { path: true },
  idPattern: NAME,
  serverSet: { name: ({ resource }) => resource.name!, state: () => "ACTIVE" },
  messages: {
    missing: (name) => `Resource not found (resource=${name.split("/").at(-1)}).`,
    exists: (name) => `Resource already exists in the project (resource=${name.split("/").at(-1)}).`,
  },
  policy: true,
  before: { create: check, patch: check },
  after: { delete: orphanSubscriptions },
  source: "https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics",
};

export const topicMethods: Record<string, Behaviour> = {
  "pubsub.projects.topics.subscriptions.list": async (call, cloud) => {
    const topic = await requireTopic(call.path.topic ?? "", cloud);
    const { items, nextPageToken } = pageOf(await subscriptionsOf(textOf(topic.name), cloud), call);
    return { subscriptions: items.map(({ name }) => name!), ...(nextPageToken && { nextPageToken }) };
  },
};

export async function requireTopic(name: string, cloud: Cloud): Promise<JsonObject> {
  const topic = await cloud.store.get(name);
  if (topic) return topic;
  if (!/^projects\/[^/]+\/topics\/[^/]+$/.test(name))
    throw invalid(`Invalid topic name: got '${name}'; expected projects/<project>/topics/<topic>.`);
  throw new ApiError("NOT_FOUND", topics.messages!.missing!(name));
}

export async function subscriptionsOf(topic: string, cloud: Cloud): Promise<{ key: string; value: JsonObject }[]> {
  const all = await cloud.store.list(`projects/${cloud.project.id}/subscriptions/`);
  return all.filter(({ value }) => value.topic === topic);
}

async function orphanSubscriptions({ current, cloud }: { current?: JsonObject; cloud: Cloud }): Promise<void> {
  for (const { key } of await subscriptionsOf(textOf(current!.name), cloud))
    await cloud.store.exclusive(key, async () => {
      const subscription = await cloud.store.get(key);
      if (subscription) await cloud.store.write({ put: { [key]: { ...subscription, topic: DELETED_TOPIC } } });
    });
}
