/** Follows a run of a DAG on the terminal: each task as its state changes, with its log, and what goes on in between. */
import { setTimeout as pause } from "node:timers/promises";
import { AirflowAway, START_MS, type Airflow, type DagRun, type TaskInstance } from "./airflow";
import { UserError } from "./lab";
import { bad, duration, faint, good, type Terminal } from "./terminal";

/** How often Airflow is asked. */
const LOOK_EVERY_MS = 1000;
const FINISHED = new Set(["success", "failed"]);
/** States of a task that will not change any more. */
const SETTLED = new Set(["success", "failed", "upstream_failed", "skipped", "removed"]);

type Shown = Pick<Terminal, "line" | "note" | "wait">;

/**
 * Prints what changes until the run is over; interrupted, it goes on in Airflow.
 * @returns whether it went well
 */
export async function followDag(
  airflow: Pick<Airflow, "run" | "tasks" | "log">,
  id: string,
  started: DagRun,
  terminal: Shown,
  quiet: boolean,
): Promise<boolean> {
  const shown = new Map<string, string>();
  let [current, tasks]: [DagRun, TaskInstance[]] = [started, []];
  const tell = async (task: TaskInstance) => {
    const state = `${task.state ?? "waiting"}${attemptOf(task)}`;
    if (shown.get(task.task_id) === state) return;
    shown.set(task.task_id, state);
    if (task.state === null) return;
    terminal.line(taskLine(task));
    const speaks = SETTLED.has(task.state) && !(quiet && task.state === "success") && task.try_number > 0;
    if (speaks) terminal.line(logOf(await patiently(() => airflow.log(id, started.dag_run_id, task), terminal)));
  };
  const look = async () => {
    for (; ; await pause(LOOK_EVERY_MS)) {
      const found = await patiently(() => airflow.run(id, started.dag_run_id), terminal);
      if (!found)
        throw new UserError(`Run ${started.dag_run_id}: Airflow no longer has it. npx sparklab dag logs ${id}`);
      [current, tasks] = [found, await patiently(() => airflow.tasks(id, started.dag_run_id), terminal)];
      for (const task of tasks) await tell(task);
      if (FINISHED.has(found.state)) return found.state === "success";
    }
  };
  const isDone = await terminal.wait(() => tasksUnderWay(current, tasks, new Date()), look());
  terminal.line(isDone ? good("done") : bad("failed"));
  return isDone;
}

/** What goes on at this moment, for how long, and for how long the whole run has. */
export function tasksUnderWay({ start_date }: DagRun, tasks: readonly TaskInstance[], now: Date): string {
  const passed = (since = now.toISOString()) => duration(Math.max(0, (now.getTime() - Date.parse(since)) / 1000));
  const running = tasks
    .filter(({ state }) => state === "running")
    .map((task) => `${task.task_id}: ${passed(task.start_date ?? undefined)}`);
  return `${running.join(", ") || "Between two tasks"}  [${passed(start_date ?? undefined)}]`;
}

export function taskLine(task: TaskInstance): string {
  const word = task.state ?? "waiting";
  const took = SETTLED.has(word) && task.duration !== null ? ` in ${duration(task.duration)}` : "";
  const text = `${word}${attemptOf(task)}${took}`;
  return `  ${task.task_id}  ${word === "success" ? good(text) : /failed/.test(word) ? bad(text) : text}`;
}

export const logOf = (text: string) => faint(text.replace(/^(?=.)/gm, "    "));

const attemptOf = ({ try_number }: TaskInstance) => (try_number > 1 ? `, attempt ${try_number}` : "");

/** A run outlives its Airflow and the cloud: while neither answers, it is asked again, for as long as a start takes. */
async function patiently<T>(ask: () => Promise<T>, terminal: Shown): Promise<T> {
  for (let last = 0; ; await pause(LOOK_EVERY_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AirflowAway) || (last > 0 && Date.now() > last)) throw error;
      if (last > 0) continue;
      last = Date.now() + START_MS;
      terminal.note(
        `${error.message}\nThe run goes on where Airflow does, and is followed again then: npx sparklab up`,
      );
    }
  }
}
