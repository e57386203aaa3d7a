/** What the metadata store learns of a pipeline run: contexts of pipeline and run, an execution for each task, artifacts. */
import { textOf } from "../../../json";
import type { JsonObject } from "../../../service";
import { eventKey, memberKey } from "../metadata";
import { artifactOf, executionOf, objectAt, storeOf } from "./record";
import type { PipelineRun, Task } from "./run";

/** Contexts of a new job, and the store that they are in. */
export function contextsOf(job: JsonObject): {
  pipelineContext: JsonObject;
  pipelineRunContext: JsonObject;
  put: Record<string, JsonObject>;
} {
  const name = textOf(job.name);
  const times = { createTime: job.createTime!, updateTime: job.createTime! };
  const context = (id: string, schemaTitle: string, parents: string[]): JsonObject => ({
    name: `${storeOf(name)}/contexts/${id}`,
    displayName: id,
    ...{ schemaTitle, schemaVersion: "0.0.1", parentContexts: parents, ...times },
  });
  const spec = objectAt(objectAt(job, "pipelineSpec"), "pipelineInfo");
  const pipelineContext = context(textOf(spec.name), "system.Pipeline", []);
  const pipelineRunContext = context(name.split("/").at(-1) ?? "", "system.PipelineRun", [
    textOf(pipelineContext.name),
  ]);
  const store = { name: storeOf(name), ...times };
  return {
    ...{ pipelineContext, pipelineRunContext },
    put: Object.fromEntries([pipelineContext, pipelineRunContext, store].map((one) => [textOf(one.name), one])),
  };
}

/** Changes of the metadata store for the tasks whose state it does not know yet; marks them as known. */
export function lineageOf(run: PipelineRun): Record<string, JsonObject> {
  const put: Record<string, JsonObject> = {};
  const context = `${storeOf(run.job)}/contexts/${run.job.split("/").at(-1)}`;
  for (const task of Object.values(run.tasks)) {
    if (task.recorded === task.state || task.state === "NOT_TRIGGERED" || task.state === "PENDING") continue;
    task.recorded = task.state;
    const execution = executionOf(task, run);
    const member = textOf(execution.name);
    Object.assign(put, { [member]: execution, [memberKey(context, member)]: { context, member } });
    // A group's artifacts are those of its tasks.
    if (task.kind === "dag" || task.kind === "loop") continue;
    addEvents(put, context, run, task, member);
  }
  return put;
}

function addEvents(
  put: Record<string, JsonObject>,
  context: string,
  run: PipelineRun,
  task: Task,
  execution: string,
): void {
  for (const [type, values] of [
    ["INPUT", task.inputs],
    ["OUTPUT", task.outputs],
  ] as const) {
    for (const artifact of Object.values(values.artifacts).flat()) {
      const node = artifactOf(artifact, run);
      const member = textOf(node.name);
      const event = { execution, artifact: member, type, eventTime: task.endTime || task.startTime };
      if (type === "OUTPUT") put[member] = node;
      put[memberKey(context, member)] = { context, member };
      put[eventKey(event)] = event;
    }
  }
}
