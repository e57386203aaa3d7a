/** Schedules of pipeline runs: what is refused, their states and times; schedule-runner.ts starts the runs. */
import { Cron } from "croner";
import type { Cloud } from "../../cloud";
import { badRequest } from "../../contract/validate";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Hook, JsonObject, ResourceType } from "../../service";
import { requireActAs, requireStored } from "../references";
import { pipelineJobProblems } from "./pipelines/jobs";

export const scheduleType = (version: "v1" | "v1beta1", wake: (cloud: Cloud) => void): ResourceType => ({
  collection: "aiplatform.projects.locations.schedules",
  schema: `GoogleCloudAiplatform${version === "v1" ? "V1" : "V1beta1"}Schedule`,
  listField: "schedules",
  name: "projects/{project}/locations/{location}/schedules/{id}",
  id: { server: "number" },
  required: ["displayName", "cron", "maxConcurrentRunCount"],
  serverSet: { startedRunCount: () => "0", catchUp: () => false },
  operations: { delete: true, responseType: "google.protobuf.Empty" },
  before: { create: prepare, patch: prepare },
  after: { create: ({ cloud }) => wake(cloud), patch: ({ cloud }) => wake(cloud) },
  source: "https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/projects.locations.schedules",
});

const PATH = "aiplatform.projects.locations.schedules";
export const scheduleMethods = (wake: (cloud: Cloud) => void): Record<string, Behaviour> => ({
  [`${PATH}.pause`]: (call, cloud) => setState(call, cloud, "PAUSED"),
  [`${PATH}.resume`]: async (call, cloud) => {
    const answer = await setState(call, cloud, "ACTIVE");
    wake(cloud);
    return answer;
  },
});

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
    ...countProblems(next),
    ...(job
      ? pipelineJobProblems(job).map(({ field, description }) => ({ field: `schedule.request.${field}`, description }))
      : []),
  ];
  if (violations.length > 0) throw badRequest(violations);
  if (job?.serviceAccount) await requireActAs(textOf(job.serviceAccount), call, cloud);
  next.startTime ??= cloud.now().toISOString();
  next.state = current?.state ?? "ACTIVE";
  setNextRun(next, cloud.now());
}

function countProblems({ maxConcurrentRunCount: most, maxConcurrentActiveRunCount: active }: JsonObject) {
  const problems: [boolean, string, string][] = [
    [!/^[1-9]\d*$/.test(textOf(most)), "run_count", `Got '${textOf(most)}'; expected a number above 0.`],
    [textOf(active) !== "", "active_run_count", "Active runs are not counted apart by this cloud; expected none."],
  ];
  return problems
    .filter(([isWrong]) => isWrong)
    .map(([, field, description]) => ({ field: `schedule.max_concurrent_${field}`, description }));
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

/** When a schedule next comes true after a time; undefined if it never does. */
export function nextRunAfter(schedule: JsonObject, after: Date): Date | undefined {
  const { zone, pattern } = parseCron(textOf(schedule.cron));
  const from = new Date(Math.max(Date.parse(textOf(schedule.startTime)), after.getTime()));
  const next = new Cron(pattern, { timezone: zone, paused: true }).nextRun(from) ?? undefined;
  return next && schedule.endTime && next.getTime() > Date.parse(textOf(schedule.endTime)) ? undefined : next;
}

/** Whether it has started as many runs as it may. */
export const isSpent = ({ maxRunCount, startedRunCount }: JsonObject) =>
  Number(maxRunCount ?? 0) > 0 && Number(startedRunCount ?? 0) >= Number(maxRunCount);

function setNextRun(schedule: JsonObject, after: Date): void {
  const next = schedule.state === "ACTIVE" ? nextRunAfter(schedule, after) : undefined;
  if (next) schedule.nextRunTime = next.toISOString();
  else delete schedule.nextRunTime;
}

async function setState(call: Call, cloud: Cloud, state: "ACTIVE" | "PAUSED"): ReturnType<Behaviour> {
  const name = call.path.name!;
  return cloud.store.exclusive(name, async () => {
    const current = await requireStored(name, cloud);
    if (current.state === state || current.state === "COMPLETED")
      throw new ApiError("FAILED_PRECONDITION", `Schedule '${name}' is ${textOf(current.state)} already.`);
    const now = cloud.now().toISOString();
    const next: JsonObject = { ...current, state, updateTime: now };
    if (state === "PAUSED") next.lastPauseTime = now;
    else Object.assign(next, { lastResumeTime: now, catchUp: call.body.catchUp === true });
    // Caught up: what was due while it was paused is run, too.
    setNextRun(next, next.catchUp === true ? new Date(textOf(current.lastPauseTime) || now) : cloud.now());
    await cloud.store.write({ put: { [name]: next } });
    return {};
  });
}
