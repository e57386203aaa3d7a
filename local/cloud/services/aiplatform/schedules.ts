/** Schedules of pipeline runs: their state and times are kept; runs are not started here. */
import { Cron } from "croner";
import type { Cloud } from "../../cloud";
import { badRequest } from "../../contract/validate";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Hook, JsonObject, ResourceType } from "../../service";
import { requireActAs, requireStored } from "../references";

export const scheduleType = (version: "v1" | "v1beta1"): ResourceType => ({
  collection: "aiplatform.projects.locations.schedules",
  schema: `GoogleCloudAiplatform${version === "v1" ? "V1" : "V1beta1"}Schedule`,
  listField: "schedules",
  name: "projects/{project}/locations/{location}/schedules/{id}",
  id: { server: "number" },
  required: ["displayName", "cron", "maxConcurrentRunCount"],
  serverSet: { startedRunCount: () => "0", catchUp: () => false },
  operations: { delete: true, responseType: "google.protobuf.Empty" },
  before: { create: prepare, patch: prepare },
  source: "https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/projects.locations.schedules",
});

const PATH = "aiplatform.projects.locations.schedules";
export const scheduleMethods: Record<string, Behaviour> = {
  [`${PATH}.pause`]: (call, cloud) => setState(call, cloud, "PAUSED"),
  [`${PATH}.resume`]: (call, cloud) => setState(call, cloud, "ACTIVE"),
};

async function prepare({ current, next, call, cloud }: Parameters<Hook>[0]): Promise<void> {
  const request = next.createPipelineJobRequest;
  const job = isObject(request) && isObject(request.pipelineJob) ? request.pipelineJob : undefined;
  const violations = [
    ...cronProblem(textOf(next.cron)).map((description) => ({ field: "schedule.cron", description })),
    ...(job
      ? []
      : [
          {
            field: "schedule.request",
            description: "Expected create_pipeline_job_request; other requests are not scheduled by this cloud.",
          },
        ]),
    ...(/^[1-9]\d*$/.test(textOf(next.maxConcurrentRunCount))
      ? []
      : [
          {
            field: "schedule.max_concurrent_run_count",
            description: `Got '${textOf(next.maxConcurrentRunCount)}'; expected a number above 0.`,
          },
        ]),
  ];
  if (violations.length > 0) throw badRequest(violations);
  if (job?.serviceAccount) await requireActAs(textOf(job.serviceAccount), call, cloud);
  next.startTime ??= cloud.now().toISOString();
  next.state = current?.state ?? "ACTIVE";
  setNextRun(next, cloud);
}

/** `TZ=Area/City m h d M w`; without a zone it is UTC. */
function parseCron(text: string): { zone: string; pattern: string } {
  const [, zone = "Etc/UTC", pattern = ""] = /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.*)$/.exec(text.trim()) ?? [];
  return { zone, pattern };
}

function cronProblem(text: string): string[] {
  const { zone, pattern } = parseCron(text);
  try {
    if (pattern.trim().split(/\s+/).length !== 5) throw new Error("expected five fields");
    new Cron(pattern, { timezone: zone, paused: true }).nextRun();
    return [];
  } catch (error) {
    return [`Got '${text}': ${(error as Error).message}; expected e.g. TZ=Etc/UTC 0 9 * * 1.`];
  }
}

function setNextRun(schedule: JsonObject, cloud: Cloud): void {
  const { zone, pattern } = parseCron(textOf(schedule.cron));
  const after = new Date(Math.max(Date.parse(textOf(schedule.startTime)), cloud.now().getTime()));
  const next = schedule.state === "ACTIVE" ? new Cron(pattern, { timezone: zone, paused: true }).nextRun(after) : null;
  if (next) schedule.nextRunTime = next.toISOString();
  else delete schedule.nextRunTime;
}

async function setState(call: Call, cloud: Cloud, state: "ACTIVE" | "PAUSED"): ReturnType<Behaviour> {
  const name = call.path.name!;
  return cloud.store.exclusive(name, async () => {
    const current = await requireStored(name, cloud);
    if (current.state === state) throw new ApiError("FAILED_PRECONDITION", `Schedule '${name}' is ${state} already.`);
    const now = cloud.now().toISOString();
    const next: JsonObject = { ...current, state, updateTime: now };
    if (state === "PAUSED") next.lastPauseTime = now;
    else Object.assign(next, { lastResumeTime: now, catchUp: call.body.catchUp === true });
    setNextRun(next, cloud);
    await cloud.store.write({ put: { [name]: next } });
    return {};
  });
}
