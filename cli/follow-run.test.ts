/** What a person sees of a pipeline run while it goes on. */
import { stripVTControlCharacters } from "node:util";
import { followRun, underWay } from "./follow-run";
import type { PipelineJob, TaskDetail, TrainingRuns } from "./training-run";

const AT = (seconds: number) => new Date(Date.UTC(2026, 10, 21, 9, 0, seconds)).toISOString();
const job = (name: string, state: string, taskDetails: TaskDetail[]): PipelineJob => ({
  ...{ name: `projects/p/locations/r/pipelineJobs/${name}`, state: `PIPELINE_STATE_${state}`, createTime: AT(0) },
  ...{ startTime: AT(0), endTime: AT(75), jobDetail: { taskDetails } },
});
const task = (taskName: string, state: string, more: Partial<TaskDetail> = {}): TaskDetail => ({
  ...{ taskId: taskName, taskName, state, executorDetail: {} },
  ...more,
});

/** The lines for a run that is seen in these states, after another one. */
async function linesOf(seen: PipelineJob[], others: PipelineJob[] = []): Promise<string[]> {
  const lines: string[] = [];
  const get = async () => (seen.length > 1 ? seen.shift()! : seen[0]!);
  const runs = { get, list: async () => [...seen.slice(-1), ...others] } as unknown as TrainingRuns;
  const line = (text = "") => void lines.push(stripVTControlCharacters(text));
  await followRun(runs, "now", { line, wait: (_, work) => work });
  return lines;
}

it("tells each task as it begins and ends, those that are skipped, and no group", async () => {
  const group = task("Good enough", "RUNNING");
  delete group.executorDetail;
  const lines = await linesOf([
    job("now", "RUNNING", [task("Train", "RUNNING", { startTime: AT(0) }), task("Score", "PENDING"), group]),
    job("now", "FAILED", [
      task("Train", "SUCCEEDED", { startTime: AT(0), endTime: AT(20) }),
      task("Score", "FAILED", { startTime: AT(20), endTime: AT(21) }),
      task("Tune", "NOT_TRIGGERED"),
      { ...group, state: "FAILED" },
    ]),
  ]);
  expect(lines).toEqual(["  running   Train", "  done      Train  20 s", "  failed    Score  1 s", "  skipped   Tune"]);
});

it("estimates by the newest run that went well", async () => {
  const before = job("before", "SUCCEEDED", [task("Train", "SUCCEEDED", { startTime: AT(0), endTime: AT(30) })]);
  const broken = job("broken", "FAILED", [task("Train", "SUCCEEDED", { startTime: AT(0), endTime: AT(3) })]);
  const lines = await linesOf(
    [job("now", "RUNNING", [task("Train", "RUNNING", { startTime: AT(0) })]), job("now", "SUCCEEDED", [])],
    [broken, before],
  );
  expect(lines).toEqual(["  about 1 min 15 s, as the last time", "  running   Train  about 30 s"]);
});

it("estimates nothing of a run that is over", async () => {
  const before = job("before", "SUCCEEDED", []);
  expect(await linesOf([job("now", "SUCCEEDED", [])], [before])).toEqual([]);
});

it("shows each look to whoever follows beside it", async () => {
  const seen: string[] = [];
  const states = [job("now", "RUNNING", []), job("now", "SUCCEEDED", [])];
  const runs = { get: async () => states.shift()!, list: async () => [] } as unknown as TrainingRuns;
  await followRun(runs, "now", { line: () => undefined, wait: (_, work) => work }, ({ state }) => seen.push(state));
  expect(seen).toEqual(["PIPELINE_STATE_RUNNING", "PIPELINE_STATE_SUCCEEDED"]);
});

it("says what goes on at a moment, for how long, and how long it took the last time", () => {
  const tasks = [
    task("Train", "SUCCEEDED", { startTime: AT(0), endTime: AT(30) }),
    task("Tune", "RUNNING", { startTime: AT(30) }),
    task("Register", "RUNNING", { startTime: AT(38) }),
  ];
  const expected = { tasks: new Map([["Tune", 62]]), total: 75 };
  const at = new Date(AT(40));
  expect(underWay(job("now", "RUNNING", tasks), expected, at)).toBe(
    "Tune: 10 s of about 1 min 2 s, Register: 2 s  [40 s of about 1 min 15 s]",
  );
  const between = underWay(job("now", "RUNNING", tasks.slice(0, 1)), { tasks: new Map() }, at);
  expect(between).toBe("Between two steps  [40 s]");
});
