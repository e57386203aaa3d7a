/** Pub/Sub v1: topics, subscriptions, and the messages between them: pulled, streamed, pushed, dead. */
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { Hook, Service } from "../../service";
import { perCloud } from "../delivery/agenda";
import { backlogKey } from "./publish";
import { messageMethods } from "./pull";
import { Pusher } from "./push";
import { addStreamingPull } from "./streaming";
import { subscriptionMethods, subscriptions } from "./subscriptions";
import { topicMethods, topics } from "./topics";

const pusherOf = perCloud((cloud: Cloud) => new Pusher(cloud));
const wake: Hook = ({ cloud }) => pusherOf(cloud).agenda.wake();

const dropBacklog: Hook = async ({ current, cloud }) => {
  const entries = await cloud.store.list(backlogKey(textOf(current!.name)));
  await cloud.store.write({ delete: entries.map(({ key }) => key) });
};

export const pubsub: Service = {
  apis: ["pubsub.v1"],
  types: [topics, { ...subscriptions, after: { create: wake, patch: wake, delete: dropBacklog } }],
  methods: { ...topicMethods, ...subscriptionMethods, ...messageMethods },
  transcoded: {
    protos: "@google-cloud/pubsub",
    services: ["google.pubsub.v1.Publisher", "google.pubsub.v1.Subscriber"],
  },
  grpc: addStreamingPull,
  recover: async (cloud) => pusherOf(cloud).agenda.wake(),
  close: (cloud) => pusherOf(cloud).close(),
};
