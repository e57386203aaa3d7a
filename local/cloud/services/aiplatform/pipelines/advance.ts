/**
 * What follows in a pipeline run from what has happened: tasks whose turn has come, conditions, rounds of loops, groups
 * that are complete. Changes the run it is given; does nothing else. Containers become PENDING: who runs them comes later.
 */
import { textOf } from "../../../json";
import { isMet } from "./condition";
import { fillConstant, type Scope } from "./placeholders";
import { hasEnded, nameOf, newTask, parentOf, type PipelineRun, ROOT, type Task, type TaskState } from "./run";
import { ALWAYS, type Component, componentOf, executorOf, type PipelineSpec, type TaskSpec, upstreamOf } from "./spec";
import { collected, dagOutputs, rounds, type Surroundings, taskInputs, withDefaults } from "./values";

export interface Plan {
  spec: PipelineSpec;
  /** No task is begun after one has failed. */
  failsFast: boolean;
  /** Facts of a task by placeholder. */
  facts: (task: { path: string; title: string }) => Scope["facts"];
}

/** @returns the tasks that have begun or ended by this */
export function advance(run: PipelineRun, plan: Plan, now: string): Task[] {
  const changed: Task[] = [];
  for (;;) {
    const before = changed.length;
    for (const task of Object.values(run.tasks)) {
      if (hasEnded(task)) continue;
      if (task.kind === "dag") changed.push(...advanceDag(task, run, plan, now));
      else if (task.kind === "loop") changed.push(...advanceLoop(task, run, plan, now));
      else if (task.kind === "importer") changed.push(importArtifact(task, plan, now));
      else if (task.state === "PENDING" && run.cancelling) changed.push(end(task, "CANCELLED", now));
    }
    if (changed.length === before) return changed;
  }
}

/** The root task of a new run. */
export function rootTask(title: string, parameters: Task["inputs"]["parameters"], plan: Plan, now: string): Task {
  const inputs = withDefaults(
    { parameters: { ...parameters }, artifacts: {} },
    plan.spec.root,
    plan.facts({ path: ROOT, title }),
  );
  return {
    ...newTask({ path: ROOT, title, component: "", kind: "dag", inputs, now }),
    state: "RUNNING",
    startTime: now,
  };
}

function advanceDag(dag: Task, run: PipelineRun, plan: Plan, now: string): Task[] {
  const tasks = componentOf(plan.spec, dag.component).dag!.tasks;
  const child = (name: string) => run.tasks[`${dag.path}/${name}`];
  const begun: Task[] = [];
  for (const [name, spec] of Object.entries(tasks)) {
    const isReady = !child(name) && upstreamOf(spec).every((upstream) => child(upstream) && hasEnded(child(upstream)!));
    if (!isReady) continue;
    const task = begin(dag, name, spec, run, plan, now);
    run.tasks[task.path] = task;
    begun.push(task);
  }
  const all = Object.keys(tasks).map(child);
  if (all.every((task) => task && hasEnded(task))) {
    const children = all as Task[];
    dag.outputs = dagOutputs(componentOf(plan.spec, dag.component).dag!, child);
    begun.push(endGroup(dag, children, now));
  }
  return begun;
}

function begin(dag: Task, name: string, spec: TaskSpec, run: PipelineRun, plan: Plan, now: string): Task {
  const path = `${dag.path}/${name}`;
  const title = spec.taskInfo?.name ?? name;
  const component = componentOf(plan.spec, spec.componentRef.name);
  const sibling = (other: string) => run.tasks[`${dag.path}/${other}`];
  const around: Surroundings = { inputs: dag.inputs, sibling, facts: plan.facts({ path, title }), job: run.job };
  const kind = spec.parameterIterator || spec.artifactIterator ? "loop" : kindOf(component, plan);
  const task = newTask({
    path,
    title,
    component: spec.componentRef.name,
    kind,
    inputs: { parameters: {}, artifacts: {} },
    now,
  });
  if (!mayBegin(spec, sibling, run, plan)) return end(task, "NOT_TRIGGERED", now);
  try {
    task.inputs = taskInputs(spec, kind === "loop" ? withoutItem(spec, component) : component, around);
    const { condition } = spec.triggerPolicy ?? {};
    if (condition !== undefined && !isMet(condition, task.inputs.parameters)) return end(task, "NOT_TRIGGERED", now);
    // Read once, so that a list that is none fails the task here.
    if (kind === "loop") rounds(spec, task.inputs);
  } catch (error) {
    return fail(task, `Task ${title} (${path}): ${(error as Error).message}`, now);
  }
  return kind === "container" ? task : { ...task, state: "RUNNING", startTime: now };
}

/** The item is there in each round only. */
function withoutItem({ parameterIterator, artifactIterator }: TaskSpec, component: Component): Component {
  const { parameters = {}, artifacts = {} } = component.inputDefinitions ?? {};
  const item = parameterIterator?.itemInput ?? artifactIterator?.itemInput ?? "";
  const but = <T>(all: Record<string, T>) => Object.fromEntries(Object.entries(all).filter(([name]) => name !== item));
  return { ...component, inputDefinitions: { parameters: but(parameters), artifacts: but(artifacts) } };
}

function mayBegin(spec: TaskSpec, sibling: (name: string) => Task | undefined, run: PipelineRun, plan: Plan): boolean {
  if (run.cancelling) return false;
  if (spec.triggerPolicy?.strategy === ALWAYS) return true;
  if (plan.failsFast && Object.values(run.tasks).some(({ state }) => state === "FAILED")) return false;
  return upstreamOf(spec).every((name) => sibling(name)?.state === "SUCCEEDED");
}

function kindOf(component: Component, { spec }: Plan): Task["kind"] {
  if (component.dag) return "dag";
  return executorOf(spec, component).importer ? "importer" : "container";
}

function advanceLoop(loop: Task, run: PipelineRun, plan: Plan, now: string): Task[] {
  const spec = specOf(loop, run, plan);
  const inputs = rounds(spec, loop.inputs);
  const found = inputs.map((_, index) => run.tasks[`${loop.path}/${index}`]);
  const limit = spec.iteratorPolicy?.parallelismLimit || inputs.length;
  let room = limit - found.filter((round) => round && !hasEnded(round)).length;
  const begun: Task[] = [];
  const stopped = run.cancelling || (plan.failsFast && found.some((round) => round?.state === "FAILED"));
  for (const [index, values] of inputs.entries()) {
    if (found[index] || stopped || room <= 0) continue;
    room -= 1;
    const component = componentOf(plan.spec, loop.component);
    const kind = kindOf(component, plan);
    const place = { path: `${loop.path}/${index}`, title: `${loop.title}-${index}` };
    const own = withDefaults(structuredClone(values), component, plan.facts(place));
    const round = newTask({ ...place, component: loop.component, kind, inputs: own, now });
    const task: Task = kind === "container" ? round : { ...round, state: "RUNNING", startTime: now };
    run.tasks[task.path] = task;
    begun.push(task);
  }
  const begunRounds = inputs
    .map((_, index) => run.tasks[`${loop.path}/${index}`])
    .filter((round) => round !== undefined);
  const isComplete = (stopped || begunRounds.length === inputs.length) && begunRounds.every(hasEnded);
  if (!isComplete) return begun;
  loop.outputs = collected(begunRounds);
  return [...begun, endGroup(loop, begunRounds, now)];
}

/** The task in its group's description that a task of a run was made of. */
export function specOf(task: Task, run: PipelineRun, { spec }: Plan): TaskSpec {
  const parent = run.tasks[parentOf(task.path)]!;
  // A round of a loop is described by the loop.
  if (parent.kind === "loop") return specOf(parent, run, { spec } as Plan);
  return componentOf(spec, parent.component).dag!.tasks[nameOf(task.path)]!;
}

function importArtifact(task: Task, plan: Plan, now: string): Task {
  const component = componentOf(plan.spec, task.component);
  const { artifactUri, typeSchema = {}, metadata = {} } = executorOf(plan.spec, component).importer!;
  const scope: Scope = { inputs: task.inputs, facts: plan.facts(task) };
  const uri = artifactUri.constant ?? task.inputs.parameters[artifactUri.runtimeParameter ?? ""] ?? "";
  const [name = "artifact"] = Object.keys(component.outputDefinitions?.artifacts ?? {});
  const filled = fillConstant(metadata, scope) as Task["inputs"]["parameters"];
  task.outputs = {
    parameters: {},
    artifacts: {
      [name]: [
        { name: `${task.path}/${name}`, uri: textOf(fillConstant(uri, scope)), type: typeSchema, metadata: filled },
      ],
    },
  };
  return end(task, "SUCCEEDED", now);
}

function endGroup(group: Task, children: readonly Task[], now: string): Task {
  const failed = children.filter(({ state }) => state === "FAILED");
  if (failed.length > 0)
    return fail(group, failed.map(({ error }) => error?.message ?? "").join("\n"), now, failed[0]?.error?.code);
  return end(group, children.some(({ state }) => state === "CANCELLED") ? "CANCELLED" : "SUCCEEDED", now);
}

export function end(task: Task, state: TaskState, now: string): Task {
  return Object.assign(task, { state, startTime: task.startTime || now, endTime: now });
}

const FAILED_PRECONDITION = 9;
export function fail(task: Task, message: string, now: string, code = FAILED_PRECONDITION): Task {
  return Object.assign(end(task, "FAILED", now), { error: { code, message } });
}
