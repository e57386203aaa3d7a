/** One container task of a run as a process: what it is given, where it lies, what its end means. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { DoorSettings, SparkEnd, SparkRun } from "../../../../engines/interface";
import type { Cloud } from "../../../cloud";
import type { JsonObject } from "../../../service";
import { lastError } from "../../dataproc/batch-failure";
import { tail } from "../../dataproc/batch-output";
import type { Plan } from "./advance";
import { pipelineRoot, runLabels } from "./record";
import type { PipelineRun, Task, Values } from "./run";
import { componentOf, executorOf } from "./spec";
import { executorInput, filledContainer, scopeOf, stepOutputs, taskId } from "./step";

/** Where a process finds the cloud. */
export interface Places {
  door: DoorSettings;
  metadataHost: string;
}

/** A task and all that belongs to it. */
export interface TaskInRun {
  run: PipelineRun;
  job: JsonObject;
  plan: Plan;
  task: Task;
}

export type Outcome = { outputs: Values } | { outputs?: undefined; message: string };

export class StepRunner {
  constructor(private readonly cloud: Cloud) {}

  /** Of the task's last attempt. */
  folder = (run: PipelineRun, task: Task) =>
    join(this.cloud.folder, "pipelines", run.uid, taskId(run.uid, task.path), String(task.attempts));

  begin(at: TaskInRun, places: Places): Promise<SparkRun> {
    const { run, job, plan, task } = at;
    const { pipelines } = this.cloud.engines;
    const folder = this.folder(run, task);
    const input = this.inputOf(at);
    const described = executorOf(plan.spec, componentOf(plan.spec, task.component)).container!;
    const scope = scopeOf(task, plan.facts(task), input, pipelines.layout(folder));
    const { container, args } = filledContainer(described, scope);
    const labels = runLabels(job, run.uid);
    return pipelines.run({ ...places, folder, container, args, executorInput: input, labels });
  }

  async outcome(at: TaskInRun, how: SparkEnd): Promise<Outcome> {
    const { run, plan, task } = at;
    const result = how.exitCode === 0 ? await this.cloud.engines.pipelines.result(this.folder(run, task)) : undefined;
    if (!result) return { message: await this.failure(run, task, how) };
    try {
      return { outputs: stepOutputs(componentOf(plan.spec, task.component), this.inputOf(at), result) };
    } catch (error) {
      return { message: `Task ${task.title}: ${(error as Error).message}` };
    }
  }

  /** Whether the step has begun work elsewhere: one of Google's components then names that work in `gcp_resources`. */
  hasBegunElsewhere(at: TaskInRun): boolean {
    const { parameters } = this.inputOf(at).outputs as { parameters: Record<string, { outputFile: string }> };
    return parameters.gcp_resources !== undefined && existsSync(parameters.gcp_resources.outputFile);
  }

  /** Copies of artifacts are in their buckets; what the step printed stays. */
  tidy(run: PipelineRun, task: Task): Promise<void> {
    return rm(this.cloud.engines.pipelines.layout(this.folder(run, task)).local, { recursive: true, force: true });
  }

  private inputOf({ run, job, plan, task }: TaskInRun): JsonObject {
    const jobId = run.job.split("/").at(-1);
    const name = `${task.title.replace(/\W+/g, "-")}_${taskId(run.uid, task.path)}`;
    const root = `${pipelineRoot(job)}/${this.cloud.project.number}/${jobId}/${name}`;
    const component = componentOf(plan.spec, task.component);
    return executorInput(task, component, root, this.cloud.engines.pipelines.layout(this.folder(run, task)));
  }

  private async failure(run: PipelineRun, task: Task, { exitCode, signal }: SparkEnd): Promise<string> {
    const printed = await tail(this.cloud.engines.pipelines.layout(this.folder(run, task)).output);
    const how = signal ?? (exitCode === null ? "its process vanished" : `exit code ${exitCode}`);
    const error = lastError(printed) ?? printed.trim().split("\n").at(-1) ?? "";
    return `Task ${task.title} failed (${how})${error && `: ${error}`}`;
  }
}
