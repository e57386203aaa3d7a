/** Deliveries of a subscription: a message that is given out comes again when it is not acknowledged in time. */
import type { Cloud } from "../../cloud";
import { invalid } from "../../errors";
import { isObject, textOf } from "../../json";
import type { JsonObject, Principal } from "../../service";
import { backoff } from "../delivery/deliver";
import { secondsOf } from "../delivery/durations";
import { agentEmail } from "../serviceusage-agents";
import { announce, backlogKey, publish, type Backlogged } from "./publish";
import { requireSubscription } from "./subscriptions";

export interface Lease extends JsonObject {
  ackId: string;
  message: JsonObject;
  deliveryAttempt: number;
}

const turnKey = (subscription: string) => `pubsub/turn/${subscription}`;
const idIn = (ackId: string) => Buffer.from(ackId, "base64url").toString("utf8").split("#")[0]!;
const ackIdOf = (id: string, attempts: number) => Buffer.from(`${id}#${attempts}`).toString("base64url");

/** Pauses between pushes where the subscription says nothing. Source: "Push backoff" in Pub/Sub's push subscriptions. */
const PUSH_PAUSES = { minimumBackoff: "0.1s", maximumBackoff: "60s" };

/** Gives out up to `most` messages that are due; those tried too often go to the dead letters instead. */
export function lease(name: string, most: number, cloud: Cloud): Promise<Lease[]> {
  return cloud.store.exclusive(turnKey(name), async () => {
    const subscription = await requireSubscription(name, cloud);
    const now = cloud.now().getTime();
    const leases: Lease[] = [];
    const put: Record<string, JsonObject> = {};
    const gone: string[] = [];
    const held = new Set<string>();
    for (const { key, value } of await cloud.store.list(backlogKey(name))) {
      if (leases.length >= most) break;
      const entry = value as Backlogged;
      const order = subscription.enableMessageOrdering === true ? textOf(entry.message.orderingKey) : "";
      if (isOutdated(entry, subscription, now)) gone.push(key);
      else if (isWaiting(entry, now) || held.has(order)) {
        if (order !== "") held.add(order);
      } else if (await isDead(name, entry, subscription, cloud)) gone.push(key);
      else {
        const attempts = entry.attempts + 1;
        const seconds = Number(subscription.ackDeadlineSeconds);
        put[key] = { ...entry, attempts, notBefore: again(subscription, attempts, now + seconds * 1000) };
        const id = textOf(entry.message.messageId);
        leases.push({ ackId: ackIdOf(id, attempts), message: entry.message, deliveryAttempt: attempts });
        if (order !== "") held.add(order);
      }
    }
    // Durable before it is given out: whoever comes next sees it as taken.
    await cloud.store.write({ put, delete: gone });
    return leases;
  });
}

const isWaiting = ({ notBefore }: Backlogged, now: number) => notBefore !== undefined && Date.parse(notBefore) > now;
const isOutdated = ({ message }: Backlogged, subscription: JsonObject, now: number) =>
  now - Date.parse(textOf(message.publishTime)) > (secondsOf(subscription.messageRetentionDuration) ?? Infinity) * 1000;

/** When a message whose lease ends at `end` comes again. */
function again(subscription: JsonObject, attempts: number, end: number): string {
  const isPushed = isObject(subscription.pushConfig) && textOf(subscription.pushConfig.pushEndpoint) !== "";
  const given = isObject(subscription.retryPolicy) ? subscription.retryPolicy : isPushed ? PUSH_PAUSES : undefined;
  const [least, most] = [secondsOf(given?.minimumBackoff) ?? 0, secondsOf(given?.maximumBackoff) ?? 0];
  return new Date(end + backoff(attempts, least, most, 30) * 1000).toISOString();
}

/** Forwards a message that was tried as often as the subscription allows, if Pub/Sub's agent may do so. */
async function isDead(name: string, entry: Backlogged, subscription: JsonObject, cloud: Cloud): Promise<boolean> {
  const policy = subscription.deadLetterPolicy;
  if (!isObject(policy) || entry.attempts < Number(policy.maxDeliveryAttempts)) return false;
  const topic = textOf(policy.deadLetterTopic);
  if (!(await mayForward(name, topic, cloud))) return false;
  const { messageId: _id, publishTime, ...message } = entry.message;
  const attributes = {
    ...(message.attributes as JsonObject | undefined),
    CloudPubSubDeadLetterSourceDeliveryCount: String(entry.attempts),
    CloudPubSubDeadLetterSourceSubscription: name.split("/").at(-1)!,
    CloudPubSubDeadLetterSourceSubscriptionProject: cloud.project.id,
    CloudPubSubDeadLetterSourceTopicPublishTime: textOf(publishTime),
  };
  await publish(topic, [{ ...message, attributes }], cloud);
  return true;
}

/** Source: https://cloud.google.com/pubsub/docs/dead-letter-topics#granting_forwarding_permissions */
async function mayForward(name: string, topic: string, cloud: Cloud): Promise<boolean> {
  if (!(await cloud.store.get(topic))) return false;
  const email = agentEmail("pubsub", cloud.project.number)!;
  const agent: Principal = { kind: "serviceAccount", email, via: "impersonation" };
  const may = (permission: string, resource: string) =>
    cloud.access.permits({
      ...{ principal: agent, permission, method: "pubsub.deadLetters" },
      resource: `//pubsub.googleapis.com/${resource}`,
    });
  const [publishes, consumes] = await Promise.all([
    may("pubsub.topics.publish", topic),
    may("pubsub.subscriptions.consume", name),
  ]);
  if (publishes && consumes) return true;
  const need = `roles/pubsub.publisher on ${topic} and roles/pubsub.subscriber on ${name}`;
  cloud.log.warn({ subscription: name, agent: email }, `dead letters are not forwarded: the agent needs ${need}`);
  return false;
}

export function acknowledge(name: string, ackIds: readonly string[], cloud: Cloud): Promise<void> {
  return cloud.store.exclusive(turnKey(name), async () => {
    await requireSubscription(name, cloud);
    await cloud.store.write({ delete: ackIds.map((ackId) => backlogKey(name, idIn(ackId))) });
    // The next message of the same order may be due now.
    announce(cloud);
  });
}

/** Gives whoever has the messages so many more seconds; zero gives them back. */
export function extend(name: string, ackIds: readonly string[], seconds: number, cloud: Cloud): Promise<void> {
  if (seconds < 0 || seconds > 600)
    throw invalid(`Invalid ack deadline given: got ${seconds}; expected 0 to 600 seconds.`);
  return cloud.store.exclusive(turnKey(name), async () => {
    const subscription = await requireSubscription(name, cloud);
    const put: Record<string, JsonObject> = {};
    for (const key of ackIds.map((ackId) => backlogKey(name, idIn(ackId)))) {
      const entry = (await cloud.store.get(key)) as Backlogged | undefined;
      const end = cloud.now().getTime() + seconds * 1000;
      if (entry) put[key] = { ...entry, notBefore: again(subscription, entry.attempts, end) };
    }
    await cloud.store.write({ put });
    if (seconds === 0) announce(cloud);
  });
}

/** When the next message of a subscription is due, if it has any. */
export async function nextDue(name: string, cloud: Cloud): Promise<number | undefined> {
  const entries = await cloud.store.list(backlogKey(name));
  const times = entries.map(({ value }) => (value.notBefore ? Date.parse(textOf(value.notBefore)) : 0));
  return times.length > 0 ? Math.min(...times) : undefined;
}
