/** Topics and subscriptions, and who may use them. */
import { isObject, type Properties, text, type Value } from "../values";
import type { Context, Descriptor, Inputs } from "./descriptor";
import { namedMember } from "./member";
import { toRest, type Shape } from "./shape";
import { masks, standard } from "./standard";

const API = "https://pubsub.googleapis.com/v1";
const plain: Shape[string] = { type: "string" };
const PROJECT: Shape = { project: { type: "string", rest: false, computed: true, replaces: true } };

/** The name alone or the full one mean the same. */
const last = (name: Value) => text(name).split("/").at(-1)!;
const sameName = (a: Value, b: Value) => last(a) === last(b);
const named = (collection: string, property: string) => (inputs: Inputs) =>
  `projects/${inputs.project}/${collection}/${last(inputs[property] ?? "")}`;

const topicShape: Shape = {
  ...PROJECT,
  name: { type: "string", rest: false, required: true, replaces: true },
  labels: { type: "map" },
  kmsKeyName: plain,
  messageRetentionDuration: plain,
  messageStoragePolicy: {
    type: "object",
    computed: true,
    fields: { allowedPersistenceRegions: { type: "list", required: true, set: true } },
  },
};

const subscriptionShape: Shape = {
  ...PROJECT,
  name: { type: "string", rest: false, required: true, replaces: true },
  topic: { type: "string", required: true, replaces: true, same: sameName },
  labels: { type: "map" },
  ackDeadlineSeconds: { type: "integer", computed: true },
  messageRetentionDuration: { type: "string", default: "604800s" },
  enableMessageOrdering: { type: "boolean", replaces: true },
  expirationPolicy: { type: "object", computed: true, fields: { ttl: { type: "string", required: true } } },
  pushConfig: {
    type: "object",
    fields: {
      pushEndpoint: { type: "string", required: true },
      attributes: { type: "map" },
      oidcToken: {
        type: "object",
        fields: { serviceAccountEmail: { type: "string", required: true }, audience: plain },
      },
    },
  },
  deadLetterPolicy: {
    type: "object",
    fields: {
      deadLetterTopic: { type: "string", same: sameName },
      maxDeliveryAttempts: { type: "integer", computed: true },
    },
  },
  retryPolicy: {
    type: "object",
    fields: {
      minimumBackoff: { type: "string", computed: true },
      maximumBackoff: { type: "string", computed: true },
    },
  },
};

/** A subscription that never expires has an empty policy; one that is not pushed an empty configuration. */
const subscriptionBody = (inputs: Inputs): Properties => {
  const { expirationPolicy, topic, ...body } = toRest(subscriptionShape, inputs);
  const name = text(topic).includes("/") ? text(topic) : `projects/${inputs.project}/topics/${text(topic)}`;
  const isForever = isObject(expirationPolicy) && expirationPolicy.ttl === "";
  return { ...body, topic: name, ...(expirationPolicy && { expirationPolicy: isForever ? {} : expirationPolicy }) };
};
const readSubscription = ({ expirationPolicy, pushConfig, ...rest }: Properties): Properties => ({
  ...rest,
  ...(expirationPolicy && { expirationPolicy: { ttl: "", ...(expirationPolicy as Properties) } }),
  ...(isObject(pushConfig) && pushConfig.pushEndpoint && { pushConfig }),
});

interface PutArgs extends Pick<Descriptor, "type" | "source" | "shape"> {
  collection: string;
  /** Field of an update that holds the resource. */
  wrapper: string;
  body: (inputs: Inputs) => Properties;
  readAs?: (resource: Properties) => Properties;
}

/** Pub/Sub makes by PUT and wraps what it updates. */
function put({ collection, wrapper, body, readAs = (resource) => resource, ...args }: PutArgs): Descriptor {
  const name = named(collection, "name");
  const read = async ({ http }: Context, inputs: Inputs) => {
    const found = await http.find(`${API}/${name(inputs)}`);
    return found && readAs(found);
  };
  return {
    ...standard({
      ...{ ...args, api: API, name, body, outputs: {} },
      ...{ labelled: true, hasDeletionPolicy: true, autoName: { property: "name", length: 255 } },
    }),
    read,
    create: async (context, inputs) => {
      await context.http.call({ method: "PUT", url: `${API}/${name(inputs)}`, body: body(inputs) });
      return (await read(context, inputs)) ?? {};
    },
    update: async (context, { news, changes }) => {
      const changed = { [wrapper]: body(news) };
      for (const updateMask of masks(args.shape, changes, "masked"))
        await context.http.call({ method: "PATCH", url: `${API}/${name(news)}`, query: { updateMask }, body: changed });
      return (await read(context, news)) ?? {};
    },
  };
}

const topic = put({
  type: "gcp:pubsub/topic:Topic",
  source: "pubsub.v1 projects.topics; google_pubsub_topic",
  shape: topicShape,
  collection: "topics",
  wrapper: "topic",
  body: (inputs) => toRest(topicShape, inputs),
});

const subscription = put({
  type: "gcp:pubsub/subscription:Subscription",
  source: "pubsub.v1 projects.subscriptions; google_pubsub_subscription",
  shape: subscriptionShape,
  collection: "subscriptions",
  wrapper: "subscription",
  body: subscriptionBody,
  readAs: readSubscription,
});

const memberOf = (kind: "topic" | "subscription"): Descriptor => {
  const noun = kind === "topic" ? "TopicIAMMember" : "SubscriptionIAMMember";
  return namedMember({
    type: `gcp:pubsub/${kind}IAMMember:${noun}`,
    source: `pubsub.v1 ${kind}s.setIamPolicy; google_pubsub_${kind}_iam_member`,
    api: API,
    reads: "GET",
    shape: { ...PROJECT, [kind]: { type: "string", rest: false, required: true, replaces: true, same: sameName } },
    name: named(`${kind}s`, kind),
  });
};

export const PUBSUB: readonly Descriptor[] = [topic, subscription, memberOf("topic"), memberOf("subscription")];
