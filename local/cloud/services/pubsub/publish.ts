/** Publishing: one record of each message for each subscription of its topic, written together before the answer. */
import type { Cloud } from "../../cloud";
import { ApiError, invalid } from "../../errors";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { requireTopic, subscriptionsOf } from "./topics";

/** A message that a subscription still has to deliver. */
export type Backlogged = JsonObject & {
  message: JsonObject;
  /** Deliveries so far. */
  attempts: number;
  /** Not before this time: its lease, or the pause before it is tried again. */
  notBefore?: string;
};

export const backlogKey = (subscription: string, messageId = "") => `pubsub/backlog/${subscription}/${messageId}`;
const SEQUENCE = "pubsub/sequence";
/** Largest request. Source: https://cloud.google.com/pubsub/quotas#resource_limits */
const LARGEST = 10_000_000;
const MOST = 1000;

const listeners = new WeakMap<Cloud, Set<() => void>>();

/** Calls `listener` after each publication, until the returned function is called. */
export function onPublish(cloud: Cloud, listener: () => void): () => void {
  const known = listeners.get(cloud) ?? new Set();
  listeners.set(cloud, known);
  known.add(listener);
  return () => void known.delete(listener);
}

export const announce = (cloud: Cloud) => {
  for (const listener of listeners.get(cloud) ?? []) listener();
};

/** Publishes messages in their order; gives their ids, which sort in the order of publication. */
export async function publish(topicName: string, messages: readonly JsonObject[], cloud: Cloud): Promise<string[]> {
  const topic = await requireTopic(topicName, cloud);
  if (messages.length === 0 || messages.length > MOST)
    throw invalid(`Value for messages: got ${messages.length}; expected 1 to ${MOST}.`);
  if (JSON.stringify(messages).length > LARGEST)
    throw new ApiError("INVALID_ARGUMENT", `Request payload size exceeds the limit: ${LARGEST} bytes.`);
  for (const message of messages)
    if (textOf(message.data) === "" && Object.keys((message.attributes ?? {}) as JsonObject).length === 0)
      throw invalid(
        "One or more messages in the publish request is empty. Each message must contain data or attributes.",
      );
  const ids = await cloud.store.exclusive(SEQUENCE, async () => {
    const last = Number((await cloud.store.get(SEQUENCE))?.last ?? FIRST);
    const subscriptions = await subscriptionsOf(textOf(topic.name), cloud);
    const publishTime = cloud.now().toISOString();
    const made = messages.map((_, index) => String(last + index + 1));
    const put: Record<string, JsonObject> = { [SEQUENCE]: { last: last + messages.length } };
    for (const [index, message] of messages.entries()) {
      const stored: Backlogged = { message: { ...message, messageId: made[index]!, publishTime }, attempts: 0 };
      for (const { key } of subscriptions) put[backlogKey(key, made[index])] = stored;
    }
    await cloud.store.write({ put });
    return made;
  });
  announce(cloud);
  return ids;
}
/** All ids have sixteen digits, so that they sort as text. */
const FIRST = 1_000_000_000_000_000;
