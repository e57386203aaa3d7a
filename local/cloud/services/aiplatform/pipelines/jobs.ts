/** Methods of pipeline jobs. Source: PipelineService in google/cloud/aiplatform/v1/pipeline_service.proto. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../../../cloud";
import { badRequest } from "../../../contract/validate";
import type { Violation } from "../../../contract/validate-schema";
import { listPage } from "../../../engine/list";
import { ApiError } from "../../../errors";
import { textOf } from "../../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../../service";
import { defaultAccount, requireActAs, requireBucket } from "../../references";
import { rootTask } from "./advance";
import { formProblems, parameterProblems, specProblems } from "./check";
import { contextsOf, lineageOf } from "./lineage";
import { locationOf, objectAt, pipelineRoot, specIn, withRun } from "./record";
import { type PipelineRun, ROOT, runKey } from "./run";
import { planOf, type PipelineRunner } from "./runner";
import { taskId } from "./step";

const COLLECTION = "aiplatform.projects.locations.pipelineJobs";
const ENDED = /_(SUCCEEDED|FAILED|CANCELLED)$/;
/** What a job may ask for that has no meaning on one machine: refused, or it would be believed to be there. */
const UNSERVED = ["templateUri", "network", "reservedIpRanges", "pscInterfaceConfig", "encryptionSpec"];
const UNSERVED_RUNTIME = ["parameters", "inputArtifacts"];
const UNIMPLEMENTED = 12;

export function pipelineJobMethods(runnerOf: (cloud: Cloud) => PipelineRunner): Record<string, Behaviour> {
  return {
    [`${COLLECTION}.create`]: (call, cloud) => create(call, cloud, runnerOf(cloud)),
    [`${COLLECTION}.get`]: async (call, cloud) => withContext(await existing(textOf(call.path.name), cloud), cloud),
    [`${COLLECTION}.list`]: list,
    [`${COLLECTION}.delete`]: remove,
    [`${COLLECTION}.cancel`]: async (call, cloud) => {
      const job = await existing(textOf(call.path.name), cloud);
      if (ENDED.test(textOf(job.state)))
        throw new ApiError(
          "FAILED_PRECONDITION",
          `The PipelineJob ${textOf(job.name)} is in state ${textOf(job.state)} and cannot be cancelled.`,
        );
      await runnerOf(cloud).cancel(uidOf(job));
      return {};
    },
  };
}

/** A job's number: another one for the next job of the same name. */
export const uidOf = (job: JsonObject) => taskId(textOf(job.name), textOf(job.createTime));

async function create(call: Call, cloud: Cloud, runner: PipelineRunner): Promise<Json> {
  const sent = call.body;
  const problems = [...idProblems(textOf(call.query.pipelineJobId)), ...pipelineJobProblems(sent)];
  if (problems.length > 0) throw badRequest(problems);
  const now = cloud.now().toISOString();
  const asked = textOf(call.query.pipelineJobId);
  const id = asked || `${specIn(sent).pipelineInfo.name}-${now.replace(/\D/g, "").slice(0, 14)}`;
  const name = `${textOf(call.path.parent)}/pipelineJobs/${id}`;
  return cloud.store.exclusive(name, async () => {
    if (await cloud.store.get(name))
      throw new ApiError("ALREADY_EXISTS", `PipelineJob with name ${name} already exists.`);
    const account = textOf(sent.serviceAccount) || defaultAccount(cloud);
    await requireActAs(account, call, cloud);
    await requireBucket(pipelineRoot(sent).split("/")[2] ?? "", call, cloud, "Pipeline root's bucket");
    const { scheduleName: _, ...unscheduled } = sent;
    return begin({ ...unscheduled, name, serviceAccount: account }, cloud, runner);
  });
}

/** The run of a schedule that was due at a time; the one that is there, if it was started already. Checked when it was made. */
export function startScheduled(
  sent: JsonObject,
  scheduleName: string,
  due: string,
  cloud: Cloud,
  runner: PipelineRunner,
): Promise<JsonObject> {
  const schedule = scheduleName.split("/").at(-1) ?? "";
  const id = `${specIn(sent).pipelineInfo.name}-${schedule}-${due.replace(/\D/g, "").slice(0, 14)}`;
  const name = `${locationOf(scheduleName)}/pipelineJobs/${id}`;
  return cloud.store.exclusive(name, async () => {
    const known = await cloud.store.get(name);
    const account = textOf(sent.serviceAccount) || defaultAccount(cloud);
    return known ?? begin({ ...sent, name, serviceAccount: account, scheduleName }, cloud, runner, due);
  });
}

async function begin(sent: JsonObject, cloud: Cloud, runner: PipelineRunner, scheduled = ""): Promise<JsonObject> {
  const now = cloud.now().toISOString();
  const { jobDetail: _detail, state: _state, error: _error, ...rest } = sent;
  const job = await store({ ...rest, createTime: now, updateTime: now }, now, cloud, scheduled);
  if (!hasJobEnded(job)) runner.schedule(uidOf(job));
  return job;
}

export const hasJobEnded = ({ state }: JsonObject) => ENDED.test(textOf(state));

/** Job and run are one write: neither is ever there without the other. */
async function store(base: JsonObject, now: string, cloud: Cloud, scheduled: string): Promise<JsonObject> {
  const spec = specIn(base);
  const title = spec.pipelineInfo.name;
  const { pipelineContext, pipelineRunContext, put } = contextsOf(base);
  const job: JsonObject = {
    ...base,
    displayName: base.displayName ?? title,
    state: "PIPELINE_STATE_PENDING",
    jobDetail: { pipelineContext, pipelineRunContext },
  };
  const unsupported = specProblems(spec, cloud.engines.pipelines.problems);
  if (unsupported.length > 0) {
    const error = { code: UNIMPLEMENTED, message: `The pipeline cannot be run here:\n${unsupported.join("\n")}` };
    const failed = { ...job, state: "PIPELINE_STATE_FAILED", endTime: now, error };
    await cloud.store.write({ put: { ...put, [textOf(base.name)]: failed } });
    return failed;
  }
  const start = { job: textOf(base.name), uid: uidOf(job), account: textOf(base.serviceAccount), scheduled };
  const parameters = objectAt(objectAt(base, "runtimeConfig"), "parameterValues");
  const root = rootTask(title, parameters, planOf(job, start, cloud), now);
  const run: PipelineRun = { ...start, port: 0, cancelling: false, tasks: { [ROOT]: root } };
  const begun = withRun(job, run, now);
  await cloud.store.write({ put: { ...put, ...lineageOf(run), [run.job]: begun, [runKey(run.uid)]: run } });
  return begun;
}

function idProblems(id: string): Violation[] {
  if (!id || /^[a-z][-a-z0-9]{0,127}$/.test(id)) return [];
  const description = `Invalid pipeline job id '${id}': expected 1-128 of a-z, 0-9 and -, beginning with a letter.`;
  return [{ field: "pipeline_job_id", description }];
}

/** What is wrong with a job before it has a name, and before anybody is asked for anything. */
export function pipelineJobProblems(body: JsonObject): Violation[] {
  const found: Violation[] = [];
  for (const field of UNSERVED.filter((name) => isGiven(body[name])))
    found.push({ field: `pipeline_job.${field}`, description: `${field} is not supported on one machine.` });
  for (const field of UNSERVED_RUNTIME.filter((name) => isGiven(objectAt(body, "runtimeConfig")[name])))
    found.push({
      field: `pipeline_job.runtime_config.${field}`,
      description: `${field} is not supported; expected parameterValues.`,
    });
  return [...found, ...runtimeProblems(body)];
}

function runtimeProblems(body: JsonObject): Violation[] {
  const found: Violation[] = formProblems(body.pipelineSpec).map((description) => ({
    field: "pipeline_job.pipeline_spec",
    description,
  }));
  const root = pipelineRoot(body);
  if (!/^gs:\/\/[a-z0-9][a-z0-9._-]+(\/.*)?$/.test(root))
    found.push({
      field: "pipeline_job.runtime_config.gcs_output_directory",
      description: `got '${root}'; expected gs://<bucket>/<folder>.`,
    });
  if (found.some(({ field }) => field === "pipeline_job.pipeline_spec")) return found;
  const given = objectAt(objectAt(body, "runtimeConfig"), "parameterValues");
  const parameters = parameterProblems(specIn(body), given);
  return [
    ...found,
    ...parameters.map((description) => ({ field: "pipeline_job.runtime_config.parameter_values", description })),
  ];
}

const isGiven = (value: Json | undefined) =>
  value !== undefined &&
  value !== null &&
  value !== "" &&
  JSON.stringify(value) !== "{}" &&
  JSON.stringify(value) !== "[]";

const list: Behaviour = async (call, cloud) => {
  const prefix = `${textOf(call.path.parent)}/pipelineJobs/`;
  const { items, nextPageToken } = await listPage({ store: cloud.store, prefix, accepts: () => true }, call);
  const pipelineJobs = await Promise.all(items.map((job) => withContext(job, cloud)));
  return { ...(items.length > 0 && { pipelineJobs }), ...(nextPageToken && { nextPageToken }) };
};

const remove: Behaviour = async (call, cloud) => {
  const job = await existing(textOf(call.path.name), cloud);
  const name = textOf(job.name);
  if (!ENDED.test(textOf(job.state)))
    throw new ApiError(
      "FAILED_PRECONDITION",
      `The PipelineJob ${name} is in state ${textOf(job.state)} and cannot be deleted; cancel it first.`,
    );
  await cloud.store.write({ delete: [name, runKey(uidOf(job))] });
  await rm(join(cloud.folder, "pipelines", uidOf(job)), { recursive: true, force: true });
  const response = { "@type": "type.googleapis.com/google.protobuf.Empty" };
  const metadata = { "@type": "type.googleapis.com/google.cloud.aiplatform.v1.DeleteOperationMetadata" };
  return cloud.operations.done({ parent: locationOf(name), response, metadata, call });
};

/** The run's context as it is now: experiments become its parents later. */
async function withContext(job: JsonObject, cloud: Cloud): Promise<JsonObject> {
  const jobDetail = objectAt(job, "jobDetail");
  const current = await cloud.store.get(textOf(objectAt(jobDetail, "pipelineRunContext").name));
  return current ? { ...job, jobDetail: { ...jobDetail, pipelineRunContext: current } } : job;
}

async function existing(name: string, cloud: Cloud): Promise<JsonObject> {
  const job = await cloud.store.get(name);
  if (!job) throw new ApiError("NOT_FOUND", `PipelineJob ${name} was not found.`);
  return job;
}
