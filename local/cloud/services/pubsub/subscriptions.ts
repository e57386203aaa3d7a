/** Subscriptions: what Pub/Sub fills in, what it refuses, and what this cloud does not do. */
import type { Cloud } from "../../cloud";
import { ApiError, invalid } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Hook, JsonObject, ResourceType } from "../../service";
import { checkDuration } from "../delivery/durations";
import { requireActAs } from "../references";
import { DELETED_TOPIC, NAME, requireTopic } from "./topics";

const DAY = 24 * 3600;
const UNSERVED = [
  ...["bigqueryConfig", "bigtableConfig", "cloudStorageConfig", "filter", "messageTransforms"],
  ...["retainAckedMessages", "enableExactlyOnceDelivery"],
];

const check: Hook = async ({ current, next, call, cloud }) => {
  const unserved = UNSERVED.filter((field) => next[field]);
  if (unserved.length > 0)
    throw new ApiError("UNIMPLEMENTED", `Subscriptions with ${unserved.join(", ")} are not served by this cloud.`);
  const seconds = Number(next.ackDeadlineSeconds ?? 0);
  if (seconds === 0) next.ackDeadlineSeconds = 10;
  else if (seconds < 10 || seconds > 600)
    throw invalid(`Invalid ack deadline given: got ${seconds}; expected 10 to 600 seconds.`);
  checkDuration("message_retention_duration", next.messageRetentionDuration, 600, 31 * DAY);
  if (isObject(next.expirationPolicy))
    checkDuration("expiration_policy.ttl", next.expirationPolicy.ttl, DAY, 3650 * DAY);
  await checkDeadLetters(next, cloud);
  checkRetries(next);
  await checkPush(next, call, cloud);
  if (current) return;
  const topic = await requireTopic(textOf(next.topic), cloud);
  if (topic.messageRetentionDuration) next.topicMessageRetentionDuration = topic.messageRetentionDuration;
};

async function checkDeadLetters({ deadLetterPolicy }: JsonObject, cloud: Cloud): Promise<void> {
  if (!isObject(deadLetterPolicy)) return;
  const topic = textOf(deadLetterPolicy.deadLetterTopic);
  if (topic !== DELETED_TOPIC) await requireTopic(topic, cloud);
  const attempts = Number(deadLetterPolicy.maxDeliveryAttempts ?? 0);
  if (attempts === 0) deadLetterPolicy.maxDeliveryAttempts = 5;
  else if (attempts < 5 || attempts > 100)
    throw invalid(`Invalid max_delivery_attempts: got ${attempts}; expected 5 to 100.`);
}

function checkRetries({ retryPolicy }: JsonObject): void {
  if (!isObject(retryPolicy)) return;
  retryPolicy.minimumBackoff ??= "10s";
  retryPolicy.maximumBackoff ??= "600s";
  for (const field of ["minimumBackoff", "maximumBackoff"])
    checkDuration(`retry_policy.${field}`, retryPolicy[field], 0, 600);
}

async function checkPush({ pushConfig }: JsonObject, call: Call, cloud: Cloud): Promise<void> {
  if (!isObject(pushConfig)) return;
  if (pushConfig.noWrapper) throw new ApiError("UNIMPLEMENTED", "Pushes without wrapper are not served by this cloud.");
  const endpoint = textOf(pushConfig.pushEndpoint);
  if (endpoint !== "" && !endpoint.startsWith("https://"))
    throw invalid(`Invalid push endpoint given (endpoint=${endpoint}): expected an https URL.`);
  const { oidcToken } = pushConfig;
  if (isObject(oidcToken)) await requireActAs(textOf(oidcToken.serviceAccountEmail), call, cloud);
}

export const subscriptions: ResourceType = {
  collection: "pubsub.projects.subscriptions",
  schema: "Subscription",
  listField: "subscriptions",
  name: "projects/{project}/subscriptions/{subscription}",
  id: { path: true },
  idPattern: NAME,
  required: ["topic"],
  immutable: ["topic", "filter", "enableMessageOrdering"],
  defaults: {
    ackDeadlineSeconds: 10,
    messageRetentionDuration: `${7 * DAY}s`,
    pushConfig: {},
    // An empty policy means never; without one the subscription expires when nobody uses it for 31 days.
    expirationPolicy: { ttl: `${31 * DAY}s` },
  },
  serverSet: { name: ({ resource }) => resource.name!, state: () => "ACTIVE" },
  messages: {
    missing: (name) => `Resource not found (resource=${name.split("/").at(-1)}).`,
    exists: (name) => `Resource already exists in the project (resource=${name.split("/").at(-1)}).`,
  },
  policy: true,
  before: { create: check, patch: check },
  source: "https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions",
};

export const subscriptionMethods: Record<string, Behaviour> = {
  "pubsub.projects.subscriptions.modifyPushConfig": async (call, cloud) => {
    const name = call.path.subscription ?? "";
    const pushConfig = isObject(call.body.pushConfig) ? call.body.pushConfig : {};
    await checkPush({ pushConfig }, call, cloud);
    await cloud.store.exclusive(name, async () => {
      const current = await requireSubscription(name, cloud);
      await cloud.store.write({ put: { [name]: { ...current, pushConfig } } });
    });
    return {};
  },
};

export async function requireSubscription(name: string, cloud: Cloud): Promise<JsonObject> {
  const found = await cloud.store.get(name);
  if (!found) throw new ApiError("NOT_FOUND", subscriptions.messages!.missing!(name));
  return found;
}
