/**
 * What is stored of a pipeline run: every task with its values and its state, enough to go on after a restart of the
 * cloud. It stays with its job, which is shown from it.
 */
import type { Cloud } from "../../../cloud";
import type { Json, JsonObject } from "../../../service";

export interface Artifact extends JsonObject {
  name: string;
  uri: string;
  type: JsonObject;
  metadata: JsonObject;
}

export interface Values extends JsonObject {
  parameters: Record<string, Json>;
  artifacts: Record<string, Artifact[]>;
}

/** States of Vertex AI's task details. */
export type TaskState = "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "NOT_TRIGGERED";
export const hasEnded = ({ state }: Task) => state !== "PENDING" && state !== "RUNNING";

export interface TaskError extends JsonObject {
  /** google.rpc.Code. */
  code: number;
  message: string;
}

export interface Task extends JsonObject {
  /** Place in the run: `root`, `root/train`, `root/for-loop-1/0/print`. */
  path: string;
  /** What its reader calls it. */
  title: string;
  /** Key in the spec's components; empty for the root. */
  component: string;
  kind: "dag" | "loop" | "container" | "importer";
  state: TaskState;
  /** Attempts that were begun; a container's folder is named for the last. */
  attempts: number;
  /** Attempts that failed and lived while no cloud did; they do not count as the task's own. */
  disturbed: number;
  /** Whether the last attempt lived while no cloud did. */
  takenUp: boolean;
  /** A container that waits: not before this time. */
  notBefore: string;
  inputs: Values;
  outputs: Values;
  createTime: string;
  startTime: string;
  endTime: string;
  error: TaskError | null;
  /** The state that the metadata store knows. */
  recorded: string;
}

export interface PipelineRun extends JsonObject {
  /** Resource name of the job. */
  job: string;
  uid: string;
  account: string;
  /** Port of the run's metadata server; 0 until it has one. */
  port: number;
  cancelling: boolean;
  /** When its schedule was due; empty for a run that nobody scheduled. */
  scheduled: string;
  tasks: Record<string, Task>;
}

const PREFIX = "aiplatform/pipeline-runs/";

export const runKey = (uid: string) => `${PREFIX}${uid}`;

export async function listRuns(cloud: Cloud): Promise<PipelineRun[]> {
  return (await cloud.store.list(PREFIX)).map(({ value }) => value as PipelineRun);
}

export const ROOT = "root";
export const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/"));
export const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
export const noValues = (): Values => ({ parameters: {}, artifacts: {} });

export type NewTask = Pick<Task, "path" | "title" | "component" | "kind" | "inputs"> & { now: string };

export function newTask({ now, ...task }: NewTask): Task {
  const times = { notBefore: "", createTime: now, startTime: "", endTime: "" };
  return {
    ...task,
    ...times,
    state: "PENDING",
    attempts: 0,
    disturbed: 0,
    takenUp: false,
    outputs: noValues(),
    error: null,
    recorded: "",
  };
}
