/** What a person sees of a run of a DAG while it goes on. */
import { stripVTControlCharacters } from "node:util";
import { AirflowAway, type DagRun, type TaskInstance } from "./airflow";
import { followDag, tasksUnderWay } from "./follow-dag";

const AT = (seconds: number) => new Date(Date.UTC(2026, 10, 21, 9, 0, seconds)).toISOString();
const run = (state: string): DagRun => ({ dag_run_id: "manual", state, start_date: AT(0) });
const task = (task_id: string, state: string | null, more: Partial<TaskInstance> = {}): TaskInstance => ({
  ...{ task_id, state, try_number: 1, start_date: null, duration: null },
  ...more,
});

/** What is printed of a run that is seen in these states, and what is said of it at the end of the waiting. */
async function follow(seen: [DagRun | AirflowAway, TaskInstance[]][], quiet = false) {
  const [lines, notes]: string[][] = [[], []];
  const airflow = {
    run: async () => {
      const [found] = seen[0]!;
      if (found instanceof AirflowAway) {
        seen.shift();
        throw found;
      }
      return found;
    },
    tasks: async () => (seen.length > 1 ? seen.shift()! : seen[0]!)[1],
    log: async (_: string, __: string, { task_id }: TaskInstance) => `log of ${task_id}`,
  };
  let saidLast = "";
  const isDone = await followDag(
    airflow,
    "dag",
    run("queued"),
    {
      line: (text = "") => void lines!.push(stripVTControlCharacters(text)),
      note: (text) => void notes!.push(text.split("\n")[0]!),
      wait: async (text, work) => {
        const result = await work;
        saidLast = typeof text === "string" ? text : text();
        return result;
      },
    },
    quiet,
  );
  return { isDone, lines, notes, saidLast };
}

it("tells each task as its state changes, with its log, and shows what goes on to who waits", async () => {
  const { isDone, lines, saidLast } = await follow([
    [run("running"), [task("find", "running", { start_date: AT(1) }), task("score", null)]],
    [
      run("failed"),
      [task("find", "success", { duration: 12 }), task("score", "failed", { try_number: 2, duration: 61 })],
    ],
  ]);
  expect([isDone, lines]).toEqual([
    false,
    [
      "  find  running",
      "  find  success in 12 s",
      "    log of find",
      "  score  failed, attempt 2 in 1 min 1 s",
      "    log of score",
      "failed",
    ],
  ]);
  expect(saidLast).toMatch(/^Between two tasks {2}\[/);
});

it("keeps the log of a task that succeeds to itself where it is asked to, and asks again when Airflow is away", async () => {
  const { isDone, lines, notes } = await follow(
    [
      [new AirflowAway("Airflow: got 503"), []],
      [run("success"), [task("find", "success", { duration: 12 })]],
    ],
    true,
  );
  expect({ isDone, lines, notes }).toEqual({
    ...{ isDone: true, lines: ["  find  success in 12 s", "done"], notes: ["Airflow: got 503"] },
  });
});

it("says what runs at a moment, and for how long", () => {
  const tasks = [task("find", "success"), task("score", "running", { start_date: AT(30) }), task("later", null)];
  expect(tasksUnderWay(run("running"), tasks, new Date(AT(40)))).toBe("score: 10 s  [40 s]");
  expect(tasksUnderWay(run("running"), [], new Date(AT(65)))).toBe("Between two tasks  [1 min 5 s]");
});
