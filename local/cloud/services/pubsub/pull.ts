/** Pulling: publish, pull, acknowledge as methods, and waiting for messages that are not there yet. */
import { setTimeout as pause } from "node:timers/promises";
import type { Cloud } from "../../cloud";
import { invalid } from "../../errors";
import type { Behaviour, Json, JsonObject } from "../../service";
import { acknowledge, extend, lease, nextDue, type Lease } from "./leases";
import { onPublish, publish } from "./publish";
import { requireSubscription } from "./subscriptions";

/** A pull that finds nothing is answered after at most this long. */
const PATIENCE = 10_000;

const words = (value: Json | undefined) => (Array.isArray(value) ? value.map(String) : []);

export const messageMethods: Record<string, Behaviour> = {
  "pubsub.projects.topics.publish": async (call, cloud) => ({
    messageIds: await publish(call.path.topic ?? "", (call.body.messages ?? []) as JsonObject[], cloud),
  }),
  "pubsub.projects.subscriptions.pull": async (call, cloud) => {
    const name = call.path.subscription ?? "";
    const most = Number(call.body.maxMessages ?? 0);
    if (most < 1) throw invalid(`Invalid value for max_messages: got ${most}; expected at least 1.`);
    const until = call.body.returnImmediately === true ? 0 : Date.now() + PATIENCE;
    const leases = await waitForLeases(name, Math.min(most, 1000), until, cloud);
    const answer: JsonObject = {};
    if (leases.length > 0) answer.receivedMessages = await shown(name, leases, cloud);
    return answer;
  },
  "pubsub.projects.subscriptions.acknowledge": async (call, cloud) => {
    await acknowledge(call.path.subscription ?? "", words(call.body.ackIds), cloud);
    return {};
  },
  "pubsub.projects.subscriptions.modifyAckDeadline": async (call, cloud) => {
    const seconds = Number(call.body.ackDeadlineSeconds ?? 0);
    await extend(call.path.subscription ?? "", words(call.body.ackIds), seconds, cloud);
    return {};
  },
};

/** Attempts are counted for the client where dead letters are. */
export async function shown(name: string, leases: readonly Lease[], cloud: Cloud): Promise<JsonObject[]> {
  const { deadLetterPolicy } = await requireSubscription(name, cloud);
  return leases.map(({ deliveryAttempt, ...received }) => ({
    ...received,
    ...(deadLetterPolicy && { deliveryAttempt }),
  }));
}

async function waitForLeases(name: string, most: number, until: number, cloud: Cloud): Promise<Lease[]> {
  for (;;) {
    const waiting = whenDue(name, until - Date.now(), cloud);
    const leases = await lease(name, most, cloud);
    if (leases.length > 0 || Date.now() >= until) {
      waiting.cancel();
      return leases;
    }
    await waiting.done;
  }
}

/** Resolves when something is published or given back, when the next message is due, or when the time is over. */
export function whenDue(name: string, milliseconds: number, cloud: Cloud): { done: Promise<void>; cancel: () => void } {
  const stop = new AbortController();
  let woken!: () => void;
  const published = new Promise<void>((resolve) => (woken = resolve));
  // Listens before anything is looked for, so that nothing is missed in between.
  const forget = onPublish(cloud, woken);
  const slept = (async () => {
    const due = await nextDue(name, cloud);
    const wait = due === undefined ? milliseconds : Math.min(milliseconds, Math.max(due - cloud.now().getTime(), 20));
    await pause(Math.max(wait, 0), undefined, { signal: stop.signal, ref: false });
  })();
  const ended = slept.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  const cancel = () => {
    forget();
    stop.abort();
  };
  return { done: Promise.race([published, ended]).finally(cancel), cancel };
}
