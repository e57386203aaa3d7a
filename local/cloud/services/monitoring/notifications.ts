/** Notifications of alerts: messages to Pub/Sub topics, as the agent of Monitoring. Mails are not sent. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Json, JsonObject, Principal } from "../../service";
import { agentEmail } from "../serviceusage-agents";

const OUTBOX = "monitoring/notifications/";

/** What to store so that the channels of a policy are told of an alert. */
export function notificationsOf(
  alert: JsonObject,
  policy: JsonObject,
  condition: JsonObject,
  at: string,
): Record<string, JsonObject> {
  const channels = (policy.notificationChannels ?? []) as Json[];
  const message = messageOf(alert, policy, condition);
  return Object.fromEntries(
    channels.map(textOf).map((channel): [string, JsonObject] => {
      const [id, channelId] = [alert.name, channel].map((name) => textOf(name).split("/").at(-1));
      return [`${OUTBOX}${at}/${id}/${channelId}`, { channel, message }];
    }),
  );
}

/** Source: https://cloud.google.com/monitoring/support/notification-options#pubsub (schema of the message, version 1.2) */
function messageOf(alert: JsonObject, policy: JsonObject, condition: JsonObject): JsonObject {
  const [, project = "", , id = ""] = textOf(alert.name).split("/");
  const seconds = (time: Json | undefined) => (time === undefined ? null : Math.floor(Date.parse(textOf(time)) / 1000));
  const { content = "", mimeType = "text/markdown", subject } = (policy.documentation ?? {}) as JsonObject;
  const resource = alert.resource as JsonObject;
  return {
    incident: {
      ...{ incident_id: id, scoping_project_id: project },
      url: `https://console.cloud.google.com/monitoring/alerting/alerts/${id}?project=${project}`,
      ...{ started_at: seconds(alert.openTime), ended_at: seconds(alert.closeTime) },
      state: textOf(alert.state).toLowerCase(),
      summary: `Log match condition fired for ${textOf(resource.type)} with ${JSON.stringify(resource.labels ?? {})}.`,
      ...{ policy_name: textOf(policy.displayName), condition_name: textOf(condition.displayName), condition },
      ...{ policy_user_labels: policy.userLabels ?? {}, severity: policy.severity ?? "No severity" },
      documentation: { content, mime_type: mimeType, ...(subject !== undefined && { subject }) },
      resource: { type: resource.type!, labels: resource.labels ?? {} },
    },
    version: "1.2",
  };
}

/** Sends what waits. A message is sent again if the cloud dies between the sending and the note of it, as Pub/Sub may. */
export async function sendNotifications(cloud: Cloud): Promise<void> {
  for (const { key, value } of await cloud.store.list(OUTBOX)) {
    const channel = await cloud.store.get(textOf(value.channel));
    if (channel?.type === "pubsub" && channel.enabled !== false)
      await publish(channel, value.message as JsonObject, cloud);
    await cloud.store.write({ delete: [key] });
  }
}

async function publish(channel: JsonObject, message: JsonObject, cloud: Cloud): Promise<void> {
  const topic = textOf((channel.labels as JsonObject).topic);
  const body = { messages: [{ data: Buffer.from(JSON.stringify(message)).toString("base64") }] };
  const email = agentEmail("monitoring", cloud.project.number)!;
  const agent: Principal = { kind: "serviceAccount", email, via: "none" };
  try {
    await cloud.call({ methodId: "pubsub.projects.topics.publish", path: { topic }, body }, agent);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    cloud.log.warn({ err: error, channel: textOf(channel.name) }, "an alert's notification was not published");
  }
}
