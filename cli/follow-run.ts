/** Follows a pipeline run on the terminal: each task as it begins and ends, with the time that it took in an earlier run. */
import { setTimeout as pause } from "node:timers/promises";
import { bad, duration, faint, good } from "./terminal";
import type { Terminal } from "./terminal";
import { hasEnded, idOf, type PipelineJob, type TaskDetail, type TrainingRuns } from "./training-run";

const LOOK_EVERY_MS = 1000;
/** Groups, loops and imports do no work of their own; they have no executor. */
const isWork = ({ executorDetail }: TaskDetail) => executorDetail !== undefined;
const secondsOf = ({ startTime, endTime }: Pick<TaskDetail, "startTime" | "endTime">) =>
  startTime && endTime ? (Date.parse(endTime) - Date.parse(startTime)) / 1000 : undefined;

/** @param onLook is told the run as it was seen each time */
export async function followRun(
  runs: TrainingRuns,
  id: string,
  terminal: Pick<Terminal, "line" | "wait">,
  onLook: (job: PipelineJob) => void = () => undefined,
): Promise<PipelineJob> {
  const expected = expectations((await runs.list()).filter((job) => idOf(job) !== id));
  const shown = new Map<string, string>();
  let job = await runs.get(id);
  if (expected.total && !hasEnded(job)) terminal.line(faint(`  about ${duration(expected.total)}, as the last time`));
  const look = async () => {
    for (; ; job = await runs.get(id)) {
      for (const task of job.jobDetail?.taskDetails ?? []) {
        const line = shown.get(task.taskId) === task.state ? undefined : lineOf(task, expected.tasks);
        shown.set(task.taskId, task.state);
        if (line) terminal.line(line);
      }
      onLook(job);
      if (hasEnded(job)) return job;
      await pause(LOOK_EVERY_MS);
    }
  };
  return hasEnded(job) ? look() : terminal.wait(() => underWay(job, expected, new Date()), look());
}

export interface Expected {
  tasks: ReadonlyMap<string, number>;
  total?: number;
}

/** Seconds of each task in the newest run that succeeded and has it. */
function expectations(others: readonly PipelineJob[]): Expected {
  const succeeded = others.filter(({ state }) => state.endsWith("_SUCCEEDED"));
  const tasks = new Map<string, number>();
  for (const { jobDetail } of [...succeeded].reverse()) {
    for (const task of jobDetail?.taskDetails ?? []) {
      const seconds = secondsOf(task);
      if (isWork(task) && seconds !== undefined) tasks.set(task.taskName, seconds);
    }
  }
  const total = succeeded[0] && secondsOf(succeeded[0]);
  return { tasks, ...(total !== undefined && { total }) };
}

/** What goes on at this moment, and how far the whole run is. */
export function underWay({ startTime, jobDetail }: PipelineJob, { tasks, total }: Expected, now: Date): string {
  const passed = (since = now.toISOString()) => Math.max(0, (now.getTime() - Date.parse(since)) / 1000);
  const of = (seconds: number, before?: number) =>
    `${duration(seconds)}${before ? ` of about ${duration(before)}` : ""}`;
  const running = (jobDetail?.taskDetails ?? [])
    .filter((task) => isWork(task) && task.state === "RUNNING")
    .map((task) => `${task.taskName}: ${of(passed(task.startTime), tasks.get(task.taskName))}`);
  return `${running.join(", ") || "Between two steps"}  [${of(passed(startTime), total)}]`;
}

function lineOf(task: TaskDetail, expected: ReadonlyMap<string, number>): string | undefined {
  const { taskName, state } = task;
  if (state === "NOT_TRIGGERED") return `  ${faint("skipped   ")}${faint(taskName)}`;
  if (!isWork(task) || state === "PENDING") return undefined;
  if (state === "RUNNING") {
    const before = expected.get(taskName);
    return `  running   ${taskName}${before ? faint(`  about ${duration(before)}`) : ""}`;
  }
  const took = duration(secondsOf(task) ?? 0);
  if (state === "SUCCEEDED") return `  ${good("done    ")}  ${taskName}  ${faint(took)}`;
  return `  ${bad(state.toLowerCase().padEnd(8))}  ${taskName}  ${faint(took)}`;
}
