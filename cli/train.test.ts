/** Which run the training command takes: one that is under way, the day's, or another attempt. */
import { begin } from "./commands/train";
import type { Context } from "./context";
import type { PipelineJob, TrainingRuns } from "./training-run";

const job = (id: string, state: string): PipelineJob => ({
  ...{ name: `projects/p/locations/r/pipelineJobs/${id}`, state: `PIPELINE_STATE_${state}` },
  ...{ createTime: "2026-11-21T09:00:00Z", labels: { attempt: "1" } },
});

const FIRED = ["2026-11-21", "2026-11-22"];

/** @param firing the run of these days after the schedule was fired */
async function taken(known: PipelineJob[], firing: PipelineJob | undefined, again = false) {
  const calls: string[] = [];
  const runs = {
    list: async () => known,
    of: async (days: string[]) => (days.join() === FIRED.join() ? firing : undefined),
    fire: async () => {
      calls.push("fire");
      return FIRED;
    },
    again: async () => {
      calls.push("again");
      return job("second", "RUNNING");
    },
  } as unknown as TrainingRuns;
  const terminal = { line: () => undefined, wait: <T>(_: string, work: Promise<T>) => work };
  const { name } = await begin(runs, again, { terminal } as unknown as Context);
  return [name.split("/").at(-1), ...calls];
}

it.each([
  ["fires the schedule and takes the run that comes of it", [], job("new", "PENDING"), false, ["new", "fire"]],
  ["follows a run that is under way", [job("old", "RUNNING")], undefined, false, ["old"]],
  ["takes the day's run that went well", [job("old", "SUCCEEDED")], job("old", "SUCCEEDED"), false, ["old", "fire"]],
  [
    "makes another one where that is asked for",
    [job("old", "SUCCEEDED")],
    job("old", "SUCCEEDED"),
    true,
    ["second", "fire", "again"],
  ],
  [
    "asks for another attempt after a failure",
    [job("old", "FAILED")],
    job("old", "FAILED"),
    false,
    ["second", "fire", "again"],
  ],
  [
    "takes the new run that a changed program gives",
    [job("old", "SUCCEEDED")],
    job("new", "PENDING"),
    true,
    ["new", "fire"],
  ],
])("%s", async (_, known, firing, again, expected) => expect(await taken(known, firing, again)).toEqual(expected));

it("says when the function has answered and no run is there", () =>
  expect(taken([], undefined)).rejects.toThrow(/got none after the function had answered; expected one\.$/));
