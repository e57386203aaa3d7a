/** Under which id a run's job is submitted when the run is resumed. */
import { nextAttempt } from "./batches";

it.each([
  ["is new", {}, "job-1"],
  ["runs already", { "job-1": "RUNNING" }, "job-1"],
  ["went well", { "job-1": "SUCCEEDED" }, "job-1"],
  ["failed", { "job-1": "FAILED" }, "job-1-2"],
  ["was cancelled and is tried again already", { "job-1": "CANCELLED", "job-1-2": "PENDING" }, "job-1-2"],
  ["failed twice", { "job-1": "FAILED", "job-1-2": "FAILED" }, "job-1-3"],
])("a batch that %s has the id that resumes it", async (_, states: Record<string, string>, id) => {
  expect(await nextAttempt("job-1", async (tried) => states[tried])).toBe(id);
});
