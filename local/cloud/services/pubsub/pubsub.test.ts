/** Messages by the clock: leases, dead letters, order, retention, what a restart leaves. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { setPolicyMember } from "../delivery/testing";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { testCloud, type TestCloud } from "../../testing";
import { pubsub } from ".";

const API = "https://pubsub.googleapis.com/v1/projects/sparklab-local";
const TOPIC = "projects/sparklab-local/topics";
let lab: TestCloud;
let time: Date;
beforeEach(async () => {
  time = new Date("2026-11-21T09:00:00Z");
  lab = await testCloud({ services: [pubsub], now: () => time });
  for (const name of ["runs", "dead"]) await rest(`PUT ${API}/topics/${name}`, {});
});
afterEach(() => lab.close());

const rest = async (request: string, body?: JsonObject) => (await lab.rest(request, body)) as JsonObject;
const later = (seconds: number) => (time = new Date(time.getTime() + seconds * 1000));
const subscribe = (name: string, more: JsonObject = {}) =>
  rest(`PUT ${API}/subscriptions/${name}`, { topic: `${TOPIC}/runs`, ...more });
const publish = (...texts: string[]) =>
  rest(`POST ${API}/topics/runs:publish`, {
    messages: texts.map((text) => ({ data: Buffer.from(text).toString("base64"), orderingKey: text.split("/")[0]! })),
  });
const pull = async (name: string) => {
  const body = { maxMessages: 10, returnImmediately: true };
  const { receivedMessages = [] } = await rest(`POST ${API}/subscriptions/${name}:pull`, body);
  return receivedMessages as { ackId: string; message: JsonObject; deliveryAttempt?: number }[];
};
const texts = (received: { message: JsonObject }[]) =>
  received.map(({ message }) => Buffer.from(textOf(message.data), "base64").toString());
const acknowledge = (name: string, ackIds: string[]) =>
  rest(`POST ${API}/subscriptions/${name}:acknowledge`, { ackIds });

test("each subscription gets each message once it acknowledges it, also after a restart", async () => {
  for (const name of ["a-one", "b-two"]) await subscribe(name);
  await publish("1", "2");
  const [first] = await pull("a-one");
  await acknowledge("a-one", [first!.ackId]);
  lab = await lab.restart();
  expect(texts(await pull("a-one"))).toEqual([]);
  later(11);
  expect(texts(await pull("a-one"))).toEqual(["2"]);
  expect(texts(await pull("b-two"))).toEqual(["1", "2"]);
});

test("a message that is given back comes again at once, or after the pause that the subscription wants", async () => {
  await subscribe("plain");
  await subscribe("patient", { retryPolicy: { minimumBackoff: "10s", maximumBackoff: "600s" } });
  await publish("1");
  for (const name of ["plain", "patient"]) {
    const ackIds = (await pull(name)).map(({ ackId }) => ackId);
    await rest(`POST ${API}/subscriptions/${name}:modifyAckDeadline`, { ackIds, ackDeadlineSeconds: 0 });
  }
  expect(texts(await pull("plain"))).toEqual(["1"]);
  expect(texts(await pull("patient"))).toEqual([]);
  later(10);
  expect(texts(await pull("patient"))).toEqual(["1"]);
});

test("what is tried too often goes to the dead letters, when Pub/Sub's agent may put it there", async () => {
  await subscribe("tried", { deadLetterPolicy: { deadLetterTopic: `${TOPIC}/dead` } });
  await rest(`PUT ${API}/subscriptions/graves`, { topic: `${TOPIC}/dead` });
  await publish("1");
  const attempts: (number | undefined)[] = [];
  const tryAgain = async () => {
    for (const { deliveryAttempt } of await pull("tried")) attempts.push(deliveryAttempt);
    later(11);
  };
  for (let i = 0; i < 6; i++) await tryAgain();
  expect(attempts).toEqual([1, 2, 3, 4, 5, 6]);
  const agent = "serviceAccount:service-100000000001@gcp-sa-pubsub.iam.gserviceaccount.com";
  await setPolicyMember(lab, `${API}/topics/dead`, "roles/pubsub.publisher", agent);
  await setPolicyMember(lab, `${API}/subscriptions/tried`, "roles/pubsub.subscriber", agent);
  await tryAgain();
  expect(attempts).toHaveLength(6);
  const [letter] = await pull("graves");
  expect(letter!.message.attributes).toMatchObject({
    CloudPubSubDeadLetterSourceDeliveryCount: "6",
    CloudPubSubDeadLetterSourceSubscription: "tried",
  });
});

test("messages of one key come in their order, one at a time", async () => {
  await subscribe("ordered", { enableMessageOrdering: true });
  await publish("a/1", "a/2", "b/1");
  const first = await pull("ordered");
  expect(texts(first)).toEqual(["a/1", "b/1"]);
  await acknowledge("ordered", [first[0]!.ackId]);
  expect(texts(await pull("ordered"))).toEqual(["a/2"]);
});

test("messages are kept as long as the subscription wants", async () => {
  await subscribe("short", { messageRetentionDuration: "600s" });
  await publish("1");
  later(601);
  expect(await pull("short")).toEqual([]);
});

test("what is not served is refused by name", async () => {
  const refusal = async (more: JsonObject) =>
    (await lab.refusal(`PUT ${API}/subscriptions/refused`, { topic: `${TOPIC}/runs`, ...more })).message;
  expect(await refusal({ filter: "attributes.x" })).toBe("Subscriptions with filter are not served by this cloud.");
  expect(await refusal({ ackDeadlineSeconds: 5 })).toContain("expected 10 to 600 seconds");
  expect((await lab.refusal(`POST ${API}/subscriptions/none:pull`, { maxMessages: 1 })).status).toBe("NOT_FOUND");
});
