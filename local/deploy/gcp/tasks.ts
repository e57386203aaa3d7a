/** Queues of tasks, jobs on a schedule. */
import type { PropertyChange } from "../events";
import { text } from "../values";
import type { Context, Descriptor, Inputs } from "./descriptor";
import { namedMember } from "./member";
import { toRest, type Shape } from "./shape";
import { inLocation, PLACE, standard } from "./standard";

const TASKS = "https://cloudtasks.googleapis.com/v2";
const SCHEDULER = "https://cloudscheduler.googleapis.com/v1";
const plain: Shape[string] = { type: "string" };
const chosen: Shape[string] = { type: "string", computed: true };
const count: Shape[string] = { type: "integer", computed: true };

const queueShape: Shape = {
  ...PLACE,
  name: { type: "string", rest: false, required: true, replaces: true },
  rateLimits: {
    type: "object",
    computed: true,
    fields: {
      maxDispatchesPerSecond: { type: "number", computed: true },
      maxConcurrentDispatches: count,
      maxBurstSize: { type: "integer", computed: true, output: true },
    },
  },
  retryConfig: {
    type: "object",
    computed: true,
    fields: {
      ...{ maxAttempts: count, maxDoublings: count },
      ...{ minBackoff: chosen, maxBackoff: chosen, maxRetryDuration: chosen },
    },
  },
  stackdriverLoggingConfig: { type: "object", fields: { samplingRatio: { type: "number", required: true } } },
  desiredState: { type: "string", rest: false, default: "RUNNING", allowed: ["RUNNING", "PAUSED"] },
};
const queueName = (inputs: Inputs) => `${inLocation(inputs)}/queues/${text(inputs.name)}`;

/** A queue runs once it is made; another state is asked for by a method of its own. */
async function toDesiredState(
  { http }: Context,
  inputs: Inputs,
  changes: readonly PropertyChange[] | "created",
): Promise<void> {
  const wanted = inputs.desiredState === "PAUSED" ? "pause" : "resume";
  const isAsked = changes === "created" ? wanted === "pause" : changes.some(({ path }) => path === "desiredState");
  if (isAsked) await http.call({ method: "POST", url: `${TASKS}/${queueName(inputs)}:${wanted}`, body: {} });
}

const queue: Descriptor = standard({
  type: "gcp:cloudtasks/queue:Queue",
  source: "cloudtasks.v2 projects.locations.queues; google_cloud_tasks_queue",
  api: TASKS,
  shape: queueShape,
  name: queueName,
  body: (inputs) => ({ ...toRest(queueShape, inputs), name: queueName(inputs) }),
  after: toDesiredState,
  outputs: { state: "state" },
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 100 },
});

const queueMember = namedMember({
  type: "gcp:cloudtasks/queueIamMember:QueueIamMember",
  source: "cloudtasks.v2 queues.setIamPolicy; google_cloud_tasks_queue_iam_member",
  api: TASKS,
  reads: "POST",
  shape: { ...PLACE, name: { type: "string", rest: false, required: true, replaces: true } },
  name: (inputs) => `${inLocation(inputs)}/queues/${text(inputs.name).split("/").at(-1)!}`,
});

const jobShape: Shape = {
  project: { type: "string", rest: false, computed: true, replaces: true },
  region: { type: "string", rest: false, required: true, replaces: true },
  name: { type: "string", rest: false, required: true, replaces: true },
  description: plain,
  schedule: { type: "string", required: true },
  timeZone: { type: "string", default: "Etc/UTC" },
  attemptDeadline: chosen,
  paused: { type: "boolean", rest: false, computed: true },
  retryConfig: {
    type: "object",
    computed: true,
    fields: {
      retryCount: count,
      maxDoublings: count,
      ...{ maxRetryDuration: chosen, minBackoffDuration: chosen, maxBackoffDuration: chosen },
    },
  },
  httpTarget: {
    type: "object",
    fields: {
      uri: { type: "string", required: true },
      httpMethod: chosen,
      body: plain,
      headers: { type: "map" },
      oidcToken: {
        type: "object",
        fields: { serviceAccountEmail: { type: "string", required: true }, audience: chosen },
      },
      oauthToken: {
        type: "object",
        fields: { serviceAccountEmail: { type: "string", required: true }, scope: chosen },
      },
    },
  },
  pubsubTarget: {
    type: "object",
    fields: { topicName: { type: "string", required: true }, data: plain, attributes: { type: "map" } },
  },
};
const jobName = (inputs: Inputs) => `${inLocation(inputs, "region")}/jobs/${text(inputs.name)}`;

const job: Descriptor = standard({
  type: "gcp:cloudscheduler/job:Job",
  source: "cloudscheduler.v1 projects.locations.jobs; google_cloud_scheduler_job",
  api: SCHEDULER,
  shape: jobShape,
  name: jobName,
  body: (inputs) => ({ ...toRest(jobShape, inputs), name: jobName(inputs) }),
  changes: "whole",
  after: async ({ http }, inputs, changes) => {
    const isAsked = changes === "created" || changes.some(({ path }) => path === "paused");
    const verb = inputs.paused === true ? "pause" : "resume";
    if (isAsked) await http.call({ method: "POST", url: `${SCHEDULER}/${jobName(inputs)}:${verb}`, body: {} });
  },
  outputs: { state: "state", paused: ({ state }) => state === "PAUSED" },
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 500 },
  check: ({ httpTarget, pubsubTarget }) =>
    (httpTarget === undefined) === (pubsubTarget === undefined)
      ? [
          {
            property: "httpTarget",
            reason: `got ${httpTarget ? "both" : "neither"}; expected one of httpTarget, pubsubTarget`,
          },
        ]
      : [],
});

export const TASKS_AND_JOBS: readonly Descriptor[] = [queue, queueMember, job];
