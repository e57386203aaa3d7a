/** Alerts of policies on log entries: what opens one, keeps it open and closes it, and who is told. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import type { JsonObject } from "../../service";
import { testCloud, type TestCloud } from "../../testing";
import { setPolicyMember } from "../delivery/testing";
import { logging } from "../logging";
import { pubsub } from "../pubsub";
import { storage } from "../storage";
import { monitoring } from ".";

const P = "projects/sparklab-local";
const MONITORING = `https://monitoring.googleapis.com/v3/${P}`;
const TOPICS = "https://pubsub.googleapis.com/v1";
const AGENT = "serviceAccount:service-100000000001@gcp-sa-monitoring-notification.iam.gserviceaccount.com";
let now = new Date("2026-11-21T09:00:00Z");
let lab: TestCloud;
beforeAll(async () => {
  lab = await testCloud({ services: [storage, pubsub, logging, ...monitoring], now: () => now });
  await lab.rest(`PUT ${TOPICS}/${P}/topics/alerts`, {});
  await setPolicyMember(lab, `${TOPICS}/${P}/topics/alerts`, "roles/pubsub.publisher", AGENT);
  await lab.rest(`PUT ${TOPICS}/${P}/subscriptions/told`, { topic: `${P}/topics/alerts` });
});
afterAll(() => lab.close());

const condition = { displayName: "failed", conditionMatchedLog: { filter: "severity>=ERROR" } };
const policy = (more: JsonObject): JsonObject => ({
  ...{ displayName: "lab: a batch failed", combiner: "OR", severity: "ERROR", conditions: [condition] },
  alertStrategy: { notificationRateLimit: { period: "3600s" }, autoClose: "86400s" },
  ...more,
});

/** Resolves when the entry has been routed, and what follows from it is done. */
async function write(textPayload: string, severity = "ERROR") {
  const entries = [{ textPayload, severity, resource: { type: "cloud_dataproc_batch", labels: { batch_id: "b" } } }];
  await lab.rest("POST https://logging.googleapis.com/v2/entries:write", { logName: `${P}/logs/app`, entries });
  const pending = /^(logging\/arrivals|monitoring\/notifications)\//;
  const left = async () => [
    ...(await lab.cloud.store.list("logging/")),
    ...(await lab.cloud.store.list("monitoring/")),
  ];
  while ((await left()).some(({ key }) => pending.test(key))) await pause(20);
}
const alerts = async (filter = "") => {
  const query = filter && `?filter=${encodeURIComponent(filter)}`;
  return ((await lab.rest(`GET ${MONITORING}/alerts${query}`)) as { alerts?: JsonObject[] }).alerts ?? [];
};
async function told(): Promise<JsonObject[]> {
  const url = `POST ${TOPICS}/${P}/subscriptions/told`;
  const { receivedMessages = [] } = (await lab.rest(`${url}:pull`, { maxMessages: 10, returnImmediately: true })) as {
    receivedMessages?: { ackId: string; message: { data: string } }[];
  };
  if (receivedMessages.length > 0)
    await lab.rest(`${url}:acknowledge`, { ackIds: receivedMessages.map(({ ackId }) => ackId) });
  return receivedMessages.map(
    ({ message }) => (JSON.parse(Buffer.from(message.data, "base64").toString()) as { incident: JsonObject }).incident,
  );
}

test("an entry opens one alert, which the next keep open and which closes when none has come for long enough", async () => {
  await write("before the policy");
  now = new Date(now.getTime() + 1000);
  const channel = { type: "pubsub", displayName: "topic", labels: { topic: `${P}/topics/alerts` } };
  const made = (await lab.rest(`POST ${MONITORING}/notificationChannels`, channel)) as { name: string };
  const body = policy({ notificationChannels: [made.name] });
  const { name } = (await lab.rest(`POST ${MONITORING}/alertPolicies`, body)) as { name: string };
  await write("fine", "INFO");
  expect(await alerts()).toEqual([]);
  await write("one");
  await write("two");
  const open = { state: "OPEN", openTime: now.toISOString(), policy: { name, severity: "ERROR" } };
  const [alert, ...others] = await alerts('state="OPEN"');
  expect([alert, others]).toMatchObject([{ ...open, resource: { labels: { batch_id: "b" } } }, []]);
  const id = String((alert as { name: string }).name.split("/").at(-1));
  expect(await told()).toMatchObject([{ state: "open", incident_id: id, policy_name: "lab: a batch failed" }]);

  now = new Date(now.getTime() + 80_000_000);
  await write("three");
  expect(await told()).toMatchObject([{ state: "open", incident_id: id }]);
  now = new Date(now.getTime() + 80_000_000);
  await write("fine", "INFO");
  expect(await alerts('state="OPEN"')).toHaveLength(1);
  now = new Date(now.getTime() + 7_000_000);
  await write("fine", "INFO");
  while ((await alerts('state="OPEN"')).length > 0) await pause(20);
  expect(await alerts()).toMatchObject([{ name: `${P}/alerts/${id}`, state: "CLOSED", closeTime: now.toISOString() }]);
  while ((await lab.cloud.store.list("monitoring/notifications/")).length > 0) await pause(20);
  expect(await told()).toMatchObject([{ state: "closed", ended_at: now.getTime() / 1000 }]);

  await write("four");
  expect(await alerts()).toHaveLength(2);
  lab = await lab.restart();
  await lab.rest(`DELETE https://monitoring.googleapis.com/v3/${name}`);
  while ((await alerts('state="OPEN"')).length > 0) await pause(20);
});

test("a condition that nothing here evaluates is refused by name", async () => {
  const conditionThreshold = { filter: 'metric.type="x"', comparison: "COMPARISON_GT", duration: "60s" };
  const body = policy({ conditions: [{ displayName: "c", conditionThreshold }], alertStrategy: {} });
  expect(await lab.refusal(`POST ${MONITORING}/alertPolicies`, body)).toMatchObject({
    status: "UNIMPLEMENTED",
    message: "Not served by this cloud: conditions of kind conditionThreshold; conditionMatchedLog is.",
  });
});
