/** A pipeline job as Vertex AI shows it: state, times, error and the details of its tasks, made from its run. Pure. */
import { isObject, textOf } from "../../../json";
import type { Json, JsonObject } from "../../../service";
import type { Plan } from "./advance";
import { hasEnded, parentOf, type PipelineRun, ROOT, type Task, type Values } from "./run";
import type { PipelineSpec } from "./spec";
import { taskId } from "./step";

export const objectAt = (value: JsonObject, field: string): JsonObject => {
  const found = value[field];
  return isObject(found) ? found : {};
};

/** Names below the job's location: `projects/p/locations/r`. */
export const locationOf = (name: string) => name.split("/").slice(0, 4).join("/");
export const storeOf = (job: string) => `${locationOf(job)}/metadataStores/default`;

/** Facts that placeholders name. */
export function factsOf(
  job: JsonObject,
  run: Pick<PipelineRun, "uid" | "account" | "job" | "scheduled">,
  project: { id: string; number: string },
): Plan["facts"] {
  const [, , , location = "", , id = ""] = run.job.split("/");
  return ({ path, title }) => ({
    pipeline_job_name: id,
    pipeline_job_resource_name: run.job,
    pipeline_job_uuid: run.uid,
    pipeline_job_create_time_utc: textOf(job.createTime),
    pipeline_job_schedule_time_utc: run.scheduled || textOf(job.createTime),
    pipeline_task_name: title,
    pipeline_task_uuid: taskId(run.uid, path),
    pipeline_root: `${pipelineRoot(job)}/${project.number}/${id}`,
    pipeline_google_cloud_project_id: project.id,
    pipeline_google_cloud_location: location,
    pipeline_service_account: run.account,
  });
}

export const pipelineRoot = (job: JsonObject) =>
  textOf(objectAt(job, "runtimeConfig").gcsOutputDirectory).replace(/\/+$/, "");

export const specIn = (job: JsonObject) => job.pipelineSpec as unknown as PipelineSpec;

/** Labels that the steps of a run give to what they start. */
export const runLabels = (job: JsonObject, uid: string): Record<string, string> => ({
  ...(objectAt(job, "labels") as Record<string, string>),
  "vertex-ai-pipelines-run-billing-id": uid,
});

/** The job with what its run has come to. */
export function withRun(job: JsonObject, run: PipelineRun, now: string): JsonObject {
  const root = run.tasks[ROOT]!;
  const state = stateOf(run, root);
  const failed = Object.values(run.tasks).filter((task) => task.state === "FAILED" && task.kind === "container");
  const names = failed.map(({ title }) => title).join(", ");
  return {
    ...job,
    state,
    startTime: root.startTime,
    updateTime: now,
    ...(hasEnded(root) && { endTime: root.endTime }),
    ...(root.error && {
      error: {
        code: root.error.code,
        message: `The DAG failed because some tasks failed. The failed tasks are: [${names}].\n${root.error.message}`,
      },
    }),
    jobDetail: {
      ...objectAt(job, "jobDetail"),
      taskDetails: Object.values(run.tasks).map((task) => detailOf(task, run)),
    },
  };
}

/** The log entry of a job that has come to another state. */
export function stateEntry(job: JsonObject, run: PipelineRun, project: string): JsonObject {
  const [, , , location = "", , id = ""] = run.job.split("/");
  const { state, error } = job;
  const timestamp = textOf(job.updateTime);
  return {
    logName: `projects/${project}/logs/aiplatform.googleapis.com%2Fpipeline_job_events`,
    resource: {
      type: "aiplatform.googleapis.com/PipelineJob",
      labels: { resource_container: `projects/${project}`, location, pipeline_job_id: id },
    },
    severity: state === "PIPELINE_STATE_FAILED" ? "ERROR" : "INFO",
    jsonPayload: { pipelineName: specIn(job).pipelineInfo.name, state: textOf(state), ...(error && { error }) },
    insertId: `${run.uid}-${textOf(state)}`,
    ...{ timestamp, receiveTimestamp: timestamp },
  };
}

function stateOf({ cancelling, tasks }: PipelineRun, root: Task): string {
  if (hasEnded(root)) return `PIPELINE_STATE_${cancelling ? "CANCELLED" : root.state}`;
  if (cancelling) return "PIPELINE_STATE_CANCELLING";
  const hasBegun = Object.values(tasks).some((task) => task !== root && task.state !== "PENDING");
  return hasBegun ? "PIPELINE_STATE_RUNNING" : "PIPELINE_STATE_PENDING";
}

function detailOf(task: Task, run: PipelineRun): JsonObject {
  const isRoot = task.path === ROOT;
  const artifactsOf = ({ artifacts }: Values): JsonObject =>
    Object.fromEntries(
      Object.entries(artifacts).map(([name, list]) => [
        name,
        { artifacts: list.map((artifact) => artifactOf(artifact, run)) },
      ]),
    );
  const main = `${locationOf(run.job)}/customJobs/${taskId(run.uid, task.path)}`;
  return {
    taskId: taskId(run.uid, task.path),
    ...(!isRoot && { parentTaskId: taskId(run.uid, parentOf(task.path)) }),
    taskName: task.title,
    taskUniqueName: task.path,
    state: task.state,
    createTime: task.createTime,
    ...(task.startTime && { startTime: task.startTime }),
    ...(task.endTime && { endTime: task.endTime }),
    ...(task.error && { error: task.error }),
    inputs: artifactsOf(task.inputs),
    outputs: artifactsOf(task.outputs),
    ...(task.state !== "NOT_TRIGGERED" && { execution: executionOf(task, run) }),
    ...(task.kind === "container" && task.attempts > 0 && { executorDetail: { containerDetail: { mainJob: main } } }),
  };
}

const EXECUTION_STATES: Readonly<Record<string, string>> = {
  PENDING: "NEW",
  RUNNING: "RUNNING",
  SUCCEEDED: "COMPLETE",
  FAILED: "FAILED",
  CANCELLED: "CANCELLED",
};

/** The task in the metadata store, with the parameters that went in and came out. */
export function executionOf(task: Task, run: PipelineRun): JsonObject {
  const named = (prefix: string, values: Record<string, Json>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}:${name}`, value]));
  const titles = {
    dag: "system.DagExecution",
    loop: "system.DagExecution",
    importer: "system.ImporterExecution",
    container: "system.ContainerExecution",
  };
  return {
    name: `${storeOf(run.job)}/executions/${taskId(run.uid, task.path)}`,
    displayName: task.title,
    state: EXECUTION_STATES[task.state] ?? "NEW",
    schemaTitle: task.path === ROOT ? "system.Run" : titles[task.kind],
    schemaVersion: "0.0.1",
    createTime: task.createTime,
    updateTime: task.endTime || task.startTime || task.createTime,
    metadata: {
      ...named("input", task.inputs.parameters),
      ...named("output", task.outputs.parameters),
      vertex_task_id: taskId(run.uid, task.path),
    },
  };
}

/** An artifact as a metadata resource; its id comes from where it lies, so that one file is one artifact. */
export function artifactOf(
  { uri, type, metadata, name }: Task["outputs"]["artifacts"][string][number],
  run: PipelineRun,
): JsonObject {
  return {
    name: `${storeOf(run.job)}/artifacts/${taskId(run.uid, `artifact/${uri}/${name}`)}`,
    displayName: name.split("/").at(-1) ?? "",
    uri,
    schemaTitle: textOf(type.schemaTitle),
    schemaVersion: textOf(type.schemaVersion),
    metadata,
    state: "LIVE",
    createTime: run.tasks[ROOT]!.createTime,
    updateTime: run.tasks[ROOT]!.createTime,
  };
}
