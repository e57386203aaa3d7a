/** Pub/Sub v1: topics and subscriptions. */
import type { Service } from "../../service";
import { subscriptionMethods, subscriptions } from "./subscriptions";
import { topicMethods, topics } from "./topics";

export const pubsub: Service = {
  apis: ["pubsub.v1"],
  types: [topics, subscriptions],
  methods: { ...topicMethods, ...subscriptionMethods },
};
