/**
 * Runs jobs when their time has come. What is to be attempted is stored before it is attempted, so that a cloud that dies
 * in between attempts it again: at least once, as Cloud Scheduler promises.
 */
import type { Cloud } from "../../cloud";
import { keyOf } from "../../engine/names";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { JsonObject } from "../../service";
import { Agenda, earliest } from "../delivery/agenda";
import { backoff, closeDeliveries, codeOf, deliver, isDelivered, type Outcome } from "../delivery/deliver";
import { secondsOf } from "../delivery/durations";
import { publish } from "../pubsub/publish";
import { jobs, nextRun } from "./jobs";

interface Run extends JsonObject {
  /** When the next attempt is due. */
  dueAt: string;
  /** Attempts that failed. */
  failures: number;
  startedAt: string;
  scheduleTime: string;
}

const RUNS = "cloudscheduler-runs/";

export class JobRunner {
  private readonly inFlight = new Map<string, Promise<void>>();
  private isClosing = false;
  readonly agenda: Agenda;

  constructor(private readonly cloud: Cloud) {
    this.agenda = new Agenda({ name: "cloudscheduler", cloud, turn: () => this.turn() });
  }

  /** Keys that start a run of a job now, to be stored with whatever asks for it. */
  start(name: string, scheduleTime: string): Record<string, JsonObject> {
    const now = this.cloud.now().toISOString();
    return { [RUNS + name]: { dueAt: now, failures: 0, startedAt: now, scheduleTime } satisfies Run };
  }

  async forget(name: string): Promise<void> {
    await this.cloud.store.write({ delete: [RUNS + name] });
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.agenda.close();
    await closeDeliveries(this.cloud);
    await Promise.all(this.inFlight.values());
  }

  private async turn(): Promise<Date | undefined> {
    const now = this.cloud.now().getTime();
    const times: (number | undefined)[] = [];
    for (const { value } of await this.cloud.store.list(keyOf(jobs, "projects/")))
      times.push(await this.begin(value, now));
    for (const { key, value } of await this.cloud.store.list(RUNS)) {
      const name = key.slice(RUNS.length);
      if (this.inFlight.has(name)) continue;
      const due = Date.parse(textOf(value.dueAt));
      if (due > now) times.push(due);
      else this.attempt(name, value as Run);
    }
    return earliest(times);
  }

  /** Begins the run of a job whose time has come; tells the time of the next. */
  private async begin(job: JsonObject, now: number): Promise<number | undefined> {
    if (job.state !== "ENABLED" || !job.scheduleTime) return undefined;
    const due = Date.parse(textOf(job.scheduleTime));
    if (due > now) return due;
    const name = textOf(job.name);
    const next = nextRun(job, this.cloud.now());
    // A lab may have been off for days; what is long past is not made up for.
    const isLate = now - due > (secondsOf(job.attemptDeadline) ?? 180) * 1000;
    if (isLate)
      this.cloud.log.warn({ job: name, scheduleTime: job.scheduleTime }, "skipped: the cloud was down at its time");
    await this.cloud.store.exclusive(keyOf(jobs, name), async () => {
      const current = await this.cloud.store.get(keyOf(jobs, name));
      if (!current || current.scheduleTime !== job.scheduleTime) return;
      const changed = { ...current, scheduleTime: next?.toISOString() ?? "" };
      const run = isLate ? {} : this.start(name, textOf(job.scheduleTime));
      await this.cloud.store.write({ put: { [keyOf(jobs, name)]: changed, ...run } });
    });
    return next?.getTime();
  }

  private attempt(name: string, run: Run): void {
    const work = this.deliverRun(name, run)
      .catch((err: unknown) => this.cloud.log.error({ err, job: name }, "attempt of a job failed by a bug"))
      .finally(() => {
        this.inFlight.delete(name);
        this.agenda.wake();
      });
    this.inFlight.set(name, work);
  }

  private async deliverRun(name: string, run: Run): Promise<void> {
    const job = await this.cloud.store.get(keyOf(jobs, name));
    if (!job) return this.forget(name);
    const attemptedAt = this.cloud.now().toISOString();
    const outcome = await this.send(job, run);
    // What the cloud's own end has cut off is attempted again when it is back.
    if (this.isClosing) return;
    this.cloud.log.info({ job: name, status: outcome.status, failures: run.failures }, "job attempted");
    const next = isDelivered(outcome) ? undefined : this.retry(job, run);
    await this.cloud.store.exclusive(keyOf(jobs, name), async () => {
      const current = await this.cloud.store.get(keyOf(jobs, name));
      if (!current) return this.forget(name);
      const code = codeOf(outcome);
      const status: JsonObject = code === 0 ? {} : { code, message: outcome.message };
      const changed = { ...current, lastAttemptTime: attemptedAt, status };
      // A run that was asked for meanwhile takes the place of this one: it is attempted next.
      const stored = await this.cloud.store.get(RUNS + name);
      const isReplaced = stored !== undefined && stored.startedAt !== run.startedAt;
      await this.cloud.store.write({
        put: { [keyOf(jobs, name)]: changed, ...(next && !isReplaced && { [RUNS + name]: next }) },
        delete: next || isReplaced ? [] : [RUNS + name],
      });
    });
  }

  /** The next attempt, unless the job's retries are used up. */
  private retry(job: JsonObject, run: Run): Run | undefined {
    const retries = (job.retryConfig ?? {}) as JsonObject;
    const failures = run.failures + 1;
    const [least, most, longest] = ["minBackoffDuration", "maxBackoffDuration", "maxRetryDuration"].map(
      (field) => secondsOf(retries[field]) ?? 0,
    ) as [number, number, number];
    const now = this.cloud.now().getTime();
    const age = (now - Date.parse(run.startedAt)) / 1000;
    // Without either limit there are no retries; with both, the attempts end when both are reached.
    const isLeft = failures <= Number(retries.retryCount ?? 0) || (longest > 0 && age < longest);
    if (!isLeft) return undefined;
    const wait = backoff(failures, least, most, Number(retries.maxDoublings ?? 5));
    return { ...run, failures, dueAt: new Date(now + wait * 1000).toISOString() };
  }

  private send(job: JsonObject, run: Run): Promise<Outcome> {
    const { httpTarget, pubsubTarget } = job;
    if (isObject(pubsubTarget)) return this.sendMessage(pubsubTarget);
    const target = httpTarget as JsonObject;
    const body = target.body ? Buffer.from(textOf(target.body), "base64") : undefined;
    return deliver(
      {
        url: textOf(target.uri),
        method: textOf(target.httpMethod),
        headers: {
          ...(body && { "content-type": "application/octet-stream" }),
          ...lowered((target.headers ?? {}) as Record<string, string>),
          "user-agent": "Google-Cloud-Scheduler",
          "x-cloudscheduler": "true",
          "x-cloudscheduler-jobname": textOf(job.name).split("/").at(-1)!,
          "x-cloudscheduler-scheduletime": run.scheduleTime,
        },
        ...(body && { body }),
        ...{ oidcToken: target.oidcToken, oauthToken: target.oauthToken },
        seconds: secondsOf(job.attemptDeadline) ?? 180,
      },
      this.cloud,
    );
  }

  private async sendMessage({ topicName, data, attributes }: JsonObject): Promise<Outcome> {
    const message = { ...(data !== undefined && { data }), ...(attributes !== undefined && { attributes }) };
    try {
      const [id = ""] = await publish(textOf(topicName), [message], this.cloud);
      return { status: 200, message: id };
    } catch (error) {
      if (error instanceof ApiError) return { status: error.http, message: error.message };
      throw error;
    }
  }
}

const lowered = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
