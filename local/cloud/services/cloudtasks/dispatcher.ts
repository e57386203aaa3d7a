/** Dispatches tasks that are due, within the rate and the concurrency of their queue, until their target takes them. */
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { Agenda, earliest } from "../delivery/agenda";
import { backoff, closeDeliveries, codeOf, deliver, isDelivered, type Outcome } from "../delivery/deliver";
import { secondsOf } from "../delivery/durations";
import { taskKey, used, type Stored } from "./tasks";

/** Tokens of a queue: one dispatch takes one, the rate brings them back. */
interface Bucket {
  tokens: number;
  at: number;
}

export class Dispatcher {
  /** Tasks under way, by queue. */
  private readonly inFlight = new Map<string, Map<string, Promise<void>>>();
  private readonly buckets = new Map<string, Bucket>();
  private isClosing = false;
  readonly agenda: Agenda;

  constructor(private readonly cloud: Cloud) {
    this.agenda = new Agenda({ name: "cloudtasks", cloud, turn: () => this.turn() });
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.agenda.close();
    await closeDeliveries(this.cloud);
    await Promise.all([...this.inFlight.values()].flatMap((tasks) => [...tasks.values()]));
  }

  private async turn(): Promise<Date | undefined> {
    const places = await this.cloud.store.list(`projects/${this.cloud.project.id}/locations/`);
    const queues = places.filter(({ key }) => /\/queues\/[^/]+$/.test(key));
    return earliest(await Promise.all(queues.map(({ key, value }) => this.dispatchDue(key, value))));
  }

  /** Starts what a queue may start now; tells when to look again. */
  private async dispatchDue(name: string, queue: JsonObject): Promise<number | undefined> {
    const { maxConcurrentDispatches, maxDispatchesPerSecond, maxBurstSize } = (queue.rateLimits ?? {}) as JsonObject;
    const running = this.inFlight.get(name) ?? new Map<string, Promise<void>>();
    this.inFlight.set(name, running);
    const now = this.cloud.now().getTime();
    const waiting = (await this.cloud.store.list(taskKey(`${name}/tasks/`)))
      .map(({ value }) => value as Stored)
      .filter(({ task, forced }) => !running.has(textOf(task.name)) && (queue.state === "RUNNING" || forced === true))
      .sort((a, b) => Date.parse(a.dueAt) - Date.parse(b.dueAt));
    for (const stored of waiting) {
      const due = Date.parse(stored.dueAt);
      if (due > now) return due;
      if (running.size >= Number(maxConcurrentDispatches)) return undefined;
      const wait = this.take(name, Number(maxDispatchesPerSecond), Number(maxBurstSize), now);
      if (wait > 0) return now + wait;
      this.start(name, queue, stored, running);
    }
    return undefined;
  }

  /** Takes a token, or tells in how many milliseconds there will be one. */
  private take(name: string, perSecond: number, burst: number, now: number): number {
    const { tokens, at } = this.buckets.get(name) ?? { tokens: burst, at: now };
    const filled = Math.min(burst, tokens + ((now - at) / 1000) * perSecond);
    this.buckets.set(name, { tokens: filled >= 1 ? filled - 1 : filled, at: now });
    return filled >= 1 ? 0 : Math.ceil(((1 - filled) / perSecond) * 1000);
  }

  private start(name: string, queue: JsonObject, stored: Stored, running: Map<string, Promise<void>>): void {
    const task = textOf(stored.task.name);
    const work = this.dispatch(name, queue, stored)
      .catch((err: unknown) => this.cloud.log.error({ err, task }, "dispatch of a task failed by a bug"))
      .finally(() => {
        running.delete(task);
        this.agenda.wake();
      });
    running.set(task, work);
  }

  private async dispatch(queueName: string, queue: JsonObject, stored: Stored): Promise<void> {
    const name = textOf(stored.task.name);
    const dispatchTime = this.cloud.now().toISOString();
    const outcome = await this.send(queueName, stored);
    // What the cloud's own end has cut off is dispatched again when it is back.
    if (this.isClosing) return;
    this.cloud.log.info({ task: name, status: outcome.status }, "task dispatched");
    await this.cloud.store.exclusive(taskKey(name), async () => {
      if (!(await this.cloud.store.get(taskKey(name)))) return;
      const next = isDelivered(outcome) ? undefined : this.retry(queue, stored, outcome, dispatchTime);
      if (next) await this.cloud.store.write({ put: { [taskKey(name)]: next } });
      else await this.cloud.store.write({ put: used(name, this.cloud), delete: [taskKey(name)] });
    });
  }

  private retry(
    queue: JsonObject,
    { task, dueAt }: Stored,
    outcome: Outcome,
    dispatchTime: string,
  ): Stored | undefined {
    const { maxAttempts, maxRetryDuration, minBackoff, maxBackoff, maxDoublings } = queue.retryConfig as JsonObject;
    const now = this.cloud.now().getTime();
    const attempt: JsonObject = {
      ...{ scheduleTime: dueAt, dispatchTime, responseTime: this.cloud.now().toISOString() },
      responseStatus: { code: codeOf(outcome), message: outcome.message },
    };
    const firstAttempt = task.firstAttempt ?? { dispatchTime };
    const dispatchCount = Number(task.dispatchCount) + 1;
    const longest = secondsOf(maxRetryDuration) ?? 0;
    const age = (now - Date.parse(textOf((firstAttempt as JsonObject).dispatchTime))) / 1000;
    const isSpent = Number(maxAttempts) !== -1 && dispatchCount >= Number(maxAttempts);
    // With a longest time, a task ends when both limits are reached.
    if (isSpent && (longest === 0 || age >= longest)) return undefined;
    const wait = backoff(
      dispatchCount,
      secondsOf(minBackoff) ?? 0.1,
      secondsOf(maxBackoff) ?? 3600,
      Number(maxDoublings),
    );
    const next = new Date(now + wait * 1000).toISOString();
    const isAnswered = outcome.status !== 503 && outcome.status !== 504;
    const responseCount = Number(task.responseCount) + (isAnswered ? 1 : 0);
    const changed = { ...task, dispatchCount, responseCount, firstAttempt, lastAttempt: attempt, scheduleTime: next };
    return { task: changed, dueAt: next };
  }

  private send(queue: string, { task, dueAt }: Stored): Promise<Outcome> {
    const request = task.httpRequest as JsonObject;
    const body = request.body ? Buffer.from(textOf(request.body), "base64") : undefined;
    const headers = Object.entries((request.headers ?? {}) as Record<string, string>);
    return deliver(
      {
        url: textOf(request.url),
        method: textOf(request.httpMethod),
        headers: {
          ...(body && { "content-type": "application/octet-stream" }),
          ...Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
          "user-agent": "Google-Cloud-Tasks",
          "x-cloudtasks-queuename": queue.split("/").at(-1)!,
          "x-cloudtasks-taskname": textOf(task.name).split("/").at(-1)!,
          "x-cloudtasks-taskretrycount": textOf(task.dispatchCount),
          "x-cloudtasks-taskexecutioncount": textOf(task.responseCount),
          "x-cloudtasks-tasketa": String(Date.parse(dueAt) / 1000),
        },
        ...(body && { body }),
        ...{ oidcToken: request.oidcToken, oauthToken: request.oauthToken },
        seconds: secondsOf(task.dispatchDeadline) ?? 600,
      },
      this.cloud,
    );
  }
}
