/** What follows in a run from what has happened, without any process. */
import { expect, test } from "@jest/globals";
import { advance, end, fail, type Plan, rootTask } from "./advance";
import { type PipelineRun, ROOT } from "./run";
import type { PipelineSpec, TaskSpec } from "./spec";

const NOW = "2026-11-21T00:00:00Z";
const step = (...dependentTasks: string[]): TaskSpec => ({ componentRef: { name: "step" }, dependentTasks });
const loop = (items: string, parallelismLimit?: number): TaskSpec => ({
  componentRef: { name: "round" },
  parameterIterator: { itemInput: "item", items: { raw: items } },
  ...(parallelismLimit !== undefined && { iteratorPolicy: { parallelismLimit } }),
});

function begun(tasks: Record<string, TaskSpec>, more: Partial<Plan> = {}): { run: PipelineRun; go: () => void } {
  const spec: PipelineSpec = {
    pipelineInfo: { name: "p" },
    schemaVersion: "2.1.0",
    root: { dag: { tasks } },
    components: {
      step: { executorLabel: "exec" },
      round: { executorLabel: "exec", inputDefinitions: { parameters: { item: { parameterType: "STRING" } } } },
    },
    deploymentSpec: { executors: { exec: { container: { image: "x" } } } },
  };
  const plan: Plan = { spec, failsFast: false, facts: () => ({}), ...more };
  const start = {
    job: "projects/p/locations/r/pipelineJobs/j",
    uid: "1",
    account: "a",
    port: 0,
    cancelling: false,
    scheduled: "",
  };
  const run: PipelineRun = { ...start, tasks: { [ROOT]: rootTask("p", {}, plan, NOW) } };
  const go = () => void advance(run, plan, NOW);
  go();
  return { run, go };
}
const states = ({ tasks }: PipelineRun) =>
  Object.fromEntries(Object.entries(tasks).map(([path, { state }]) => [path.replace(/^root\//, ""), state]));
const at = (run: PipelineRun, path: string) => run.tasks[`root/${path}`]!;

test("tasks begin together unless one waits for another", () => {
  const { run, go } = begun({ a: step(), b: step(), c: step("a", "b") });
  expect(states(run)).toEqual({ root: "RUNNING", a: "PENDING", b: "PENDING" });
  end(at(run, "a"), "SUCCEEDED", NOW);
  go();
  expect(states(run)).not.toHaveProperty("c");
  end(at(run, "b"), "SUCCEEDED", NOW);
  go();
  expect(states(run).c).toBe("PENDING");
  end(at(run, "c"), "SUCCEEDED", NOW);
  go();
  expect(states(run).root).toBe("SUCCEEDED");
});

test.each([
  [false, "PENDING"],
  [true, "NOT_TRIGGERED"],
])("after a failure other branches go on, unless the run fails fast: %s", (failsFast, next) => {
  const { run, go } = begun({ a: step(), after: step("a"), b: step(), next: step("b") }, { failsFast });
  fail(at(run, "a"), "broken", NOW);
  end(at(run, "b"), "SUCCEEDED", NOW);
  go();
  expect(states(run)).toMatchObject({ after: "NOT_TRIGGERED", next });
});

test("a run fails with the words of what failed, when nothing more can run", () => {
  const { run, go } = begun({ a: step(), b: step() });
  fail(at(run, "a"), "a is broken", NOW);
  go();
  expect(run.tasks[ROOT]!.state).toBe("RUNNING");
  fail(at(run, "b"), "b too", NOW);
  go();
  expect(run.tasks[ROOT]).toMatchObject({ state: "FAILED", error: { message: "a is broken\nb too" } });
});

test("a loop has as many rounds at once as it may", () => {
  const { run, go } = begun({ each: loop('["x","y","z"]', 2) });
  expect(states(run)).toEqual({ root: "RUNNING", each: "RUNNING", "each/0": "PENDING", "each/1": "PENDING" });
  end(at(run, "each/0"), "SUCCEEDED", NOW);
  go();
  expect(at(run, "each/2")).toMatchObject({ state: "PENDING", inputs: { parameters: { item: "z" } } });
});

test("a loop over nothing is done at once; one over no list fails", () => {
  expect(states(begun({ each: loop("[]") }).run)).toEqual({ root: "SUCCEEDED", each: "SUCCEEDED" });
  expect(begun({ each: loop('{"a":1}') }).run.tasks["root/each"]?.error?.message).toMatch(
    /items of the loop: got \{"a":1\}; expected a list/,
  );
});

test("a cancelled run begins nothing, also not its exit task", () => {
  const always = { ...step("a"), triggerPolicy: { strategy: "ALL_UPSTREAM_TASKS_COMPLETED" } };
  const { run, go } = begun({ a: step(), b: step("a"), exit: always });
  run.cancelling = true;
  go();
  expect(states(run)).toEqual({ root: "CANCELLED", a: "CANCELLED", b: "NOT_TRIGGERED", exit: "NOT_TRIGGERED" });
});
