/** Jobs of Cloud Scheduler: what Google fills in, what it refuses, and when a job runs next. */
import { Cron } from "croner";
import type { Cloud } from "../../cloud";
import { keyOf } from "../../engine/names";
import { readResource } from "../../engine/resource";
import { ApiError, invalid } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Hook, Json, JsonObject, ResourceType } from "../../service";
import { checkDuration } from "../delivery/durations";
import { requireActAs } from "../references";

/** Source: fields of RetryConfig. */
const RETRIES: JsonObject = {
  maxRetryDuration: "0s",
  minBackoffDuration: "5s",
  maxBackoffDuration: "3600s",
  maxDoublings: 5,
};
const TARGETS = ["httpTarget", "pubsubTarget", "appEngineHttpTarget"];

const check: Hook = async ({ next, call, cloud }) => {
  const given = TARGETS.filter((target) => next[target] !== undefined);
  if (given.length !== 1)
    throw invalid(`Job.target: got ${given.join(", ") || "none"}; expected one of ${TARGETS.join(", ")}.`);
  if (next.appEngineHttpTarget)
    throw new ApiError("UNIMPLEMENTED", "Jobs with appEngineHttpTarget are not served by this cloud.");
  if (isObject(next.httpTarget)) await checkHttpTarget(next.httpTarget, call, cloud);
  if (isObject(next.pubsubTarget)) await requirePubsubTopic(next.pubsubTarget, cloud);
  next.retryConfig = { ...RETRIES, ...(isObject(next.retryConfig) && next.retryConfig) };
  const retries = Number(next.retryConfig.retryCount ?? 0);
  if (retries < 0 || retries > 5) throw invalid(`Job.retryConfig.retryCount: got ${retries}; expected 0 to 5.`);
  checkDuration("Job.attemptDeadline", next.attemptDeadline, 15, 1800);
  nextRun(next, cloud.now());
};

async function checkHttpTarget(target: JsonObject, call: Call, cloud: Cloud): Promise<void> {
  const uri = textOf(target.uri);
  if (!/^https?:\/\/[^/]+/.test(uri)) throw invalid(`Job.httpTarget.uri: got '${uri}'; expected an http or https URL.`);
  target.httpMethod ??= "POST";
  if (target.oidcToken && target.oauthToken)
    throw invalid("Job.httpTarget: got oidcToken and oauthToken; expected one of them.");
  const token = target.oidcToken ?? target.oauthToken;
  if (isObject(token)) await requireActAs(textOf(token.serviceAccountEmail), call, cloud);
}

async function requirePubsubTopic({ topicName }: JsonObject, cloud: Cloud): Promise<void> {
  if (await cloud.store.get(textOf(topicName))) return;
  throw new ApiError("NOT_FOUND", `Job.pubsubTarget.topicName: ${textOf(topicName)} does not exist.`);
}

/** Five fields as in unix-cron; App Engine's words ("every 5 minutes") are another language. */
const CRON = /^[^\s]+(\s+[^\s]+){4}$/;

/** When a job's schedule next comes true after a time; undefined if it never does. */
export function nextRun(job: JsonObject, after: Date): Date | undefined {
  const [schedule, timezone] = [textOf(job.schedule).trim(), textOf(job.timeZone)];
  if (/^every /i.test(schedule))
    throw new ApiError(
      "UNIMPLEMENTED",
      `Schedule '${schedule}': schedules in words are not served by this cloud; write it as five cron fields.`,
    );
  if (!CRON.test(schedule))
    throw invalid(`Schedule '${schedule}' is invalid: expected five cron fields, e.g. '0 9 * * 1'.`);
  try {
    return new Cron(schedule, { timezone, paused: true }).nextRun(after) ?? undefined;
  } catch (error) {
    throw invalid(`Schedule '${schedule}' in time zone '${timezone}' is invalid: ${(error as Error).message}`);
  }
}

const timeOf = (job: JsonObject, cloud: Cloud): Json => nextRun(job, cloud.now())?.toISOString() ?? "";

export const jobs: ResourceType = {
  collection: "cloudscheduler.projects.locations.jobs",
  schema: "Job",
  listField: "jobs",
  name: "projects/{project}/locations/{location}/jobs/{job}",
  // Cloud Run has jobs of equal names.
  keyPrefix: "cloudscheduler/",
  id: { bodyName: true },
  idPattern: /^[\w-]{1,500}$/,
  required: ["name", "schedule"],
  immutable: ["name"],
  defaults: { timeZone: "Etc/UTC", attemptDeadline: "180s" },
  serverSet: {
    state: () => "ENABLED",
    userUpdateTime: { always: ({ now }) => now },
    scheduleTime: { always: ({ resource, cloud }) => timeOf(resource, cloud) },
  },
  messages: {
    missing: () => "Job not found.",
    exists: (name) => `Job ${name.split("/").at(-1)} already exists.`,
  },
  before: { create: check, patch: check },
  source: "https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs",
};

export const jobMethods: Record<string, Behaviour> = {
  "cloudscheduler.projects.locations.jobs.pause": (call, cloud) => changeJob(call, cloud, () => ({ state: "PAUSED" })),
  "cloudscheduler.projects.locations.jobs.resume": (call, cloud) =>
    changeJob(call, cloud, (job) => ({ state: "ENABLED", scheduleTime: timeOf(job, cloud) })),
};

/** @param put what is stored together with the change */
export function changeJob(
  call: Call,
  cloud: Cloud,
  edit: (job: JsonObject) => JsonObject,
  put: Record<string, JsonObject> = {},
): Promise<Json> {
  const name = call.path.name ?? "";
  const key = keyOf(jobs, name);
  return cloud.store.exclusive(key, async () => {
    const current = await readResource(jobs, name, cloud);
    const next = { ...current, ...edit(current) };
    await cloud.store.write({ put: { [key]: next, ...put } });
    return next;
  });
}
