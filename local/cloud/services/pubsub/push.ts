/** Pushing: each message of a push subscription is sent to its endpoint until it is taken. */
import type { Cloud } from "../../cloud";
import { isObject, textOf } from "../../json";
import type { JsonObject } from "../../service";
import { Agenda, earliest } from "../delivery/agenda";
import { closeDeliveries, deliver } from "../delivery/deliver";
import { acknowledge, extend, lease, nextDue, type Lease } from "./leases";
import { onPublish } from "./publish";

/** Answers by which an endpoint takes a message. Source: "Receive messages" in Pub/Sub's push subscriptions. */
const TAKEN: ReadonlySet<number> = new Set([102, 200, 201, 202, 204]);
/** Messages of a subscription that are under way at once. */
const WINDOW = 10;

export class Pusher {
  private readonly inFlight = new Map<string, number>();
  private readonly work = new Set<Promise<void>>();
  private readonly forget: () => void;
  private isClosing = false;
  readonly agenda: Agenda;

  constructor(private readonly cloud: Cloud) {
    this.agenda = new Agenda({ name: "pubsub-push", cloud, turn: () => this.turn() });
    this.forget = onPublish(cloud, () => this.agenda.wake());
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.forget();
    await this.agenda.close();
    await closeDeliveries(this.cloud);
    await Promise.all(this.work);
  }

  private async turn(): Promise<Date | undefined> {
    const all = await this.cloud.store.list(`projects/${this.cloud.project.id}/subscriptions/`);
    const times: (number | undefined)[] = [];
    for (const { key, value } of all) {
      if (!isObject(value.pushConfig) || textOf(value.pushConfig.pushEndpoint) === "") continue;
      const room = WINDOW - (this.inFlight.get(key) ?? 0);
      if (room <= 0) continue;
      const leases = await lease(key, room, this.cloud);
      for (const one of leases) this.start(key, value, one);
      times.push(await nextDue(key, this.cloud));
    }
    return earliest(times);
  }

  private start(name: string, subscription: JsonObject, one: Lease): void {
    this.inFlight.set(name, (this.inFlight.get(name) ?? 0) + 1);
    const sent = this.push(name, subscription, one)
      .catch((err: unknown) => this.cloud.log.error({ err, subscription: name }, "a push failed by a bug"))
      .finally(() => {
        this.inFlight.set(name, this.inFlight.get(name)! - 1);
        this.work.delete(sent);
        this.agenda.wake();
      });
    this.work.add(sent);
  }

  private async push(
    name: string,
    subscription: JsonObject,
    { ackId, message, deliveryAttempt }: Lease,
  ): Promise<void> {
    const config = subscription.pushConfig as JsonObject;
    const { messageId, publishTime } = message;
    // Both spellings, as Pub/Sub sends them.
    const whole = { ...message, message_id: messageId, publish_time: publishTime };
    const attempt = subscription.deadLetterPolicy ? { deliveryAttempt } : {};
    const outcome = await deliver(
      {
        url: textOf(config.pushEndpoint),
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
        },
        body: Buffer.from(JSON.stringify({ message: whole, subscription: name, ...attempt })),
        oidcToken: config.oidcToken,
        seconds: Number(subscription.ackDeadlineSeconds),
      },
      this.cloud,
    );
    // What the cloud's own end has cut off is sent again when its lease is over.
    if (this.isClosing) return;
    this.cloud.log.info({ subscription: name, messageId, status: outcome.status }, "message pushed");
    // The subscription may have gone while its endpoint answered.
    if (!(await this.cloud.store.get(name))) return;
    await (TAKEN.has(outcome.status) ? acknowledge(name, [ackId], this.cloud) : extend(name, [ackId], 0, this.cloud));
  }
}
