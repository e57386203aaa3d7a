/** Which day's run a firing of the schedule gives, also when midnight (UTC) comes while it is fired. */
import { ask, listAll } from "./google";
import type { StackOutputs } from "./deployed";
import { TrainingRuns, type PipelineJob } from "./training-run";

jest.mock("./google");

const outputs = { project: "p", region: "r", trainingSchedule: "jobs/t", topic: "topics/t" } as StackOutputs;
const asked = new Date("2026-11-21T23:59:59.900Z");

/** Cloud Scheduler's job before it is fired and after, with the time of its attempt. */
function schedule(lastAttemptTime: string, status = {}) {
  const seen = [{}, { lastAttemptTime, status }];
  jest.mocked(ask).mockImplementation(async (method) => (method === "GET" ? seen.shift() : {}));
}

beforeEach(() => jest.useFakeTimers({ now: asked }));
afterEach(() => jest.useRealTimers());

it("takes the day on which it was fired", async () => {
  schedule("2026-11-21T23:59:59.990Z");
  expect(await new TrainingRuns(outputs).fire()).toEqual(["2026-11-21"]);
});

it("takes both days when the attempt came after midnight", async () => {
  schedule("2026-11-22T00:00:00.100Z");
  expect(await new TrainingRuns(outputs).fire()).toEqual(["2026-11-21", "2026-11-22"]);
});

it("says what the function answered when that was no run", async () => {
  schedule("2026-11-21T23:59:59.990Z", { code: 7, message: "denied" });
  await expect(new TrainingRuns(outputs).fire()).rejects.toThrow(
    "jobs/t: its call of the function failed: code 7. denied",
  );
});

it("finds the newest run of the days, and asks for the next attempt of its own day", async () => {
  const job = (id: string, date: string, createTime: string, attempt = 1): PipelineJob => ({
    ...{ name: `jobs/${id}`, state: "PIPELINE_STATE_FAILED", createTime },
    labels: { date, attempt: String(attempt) },
  });
  const jobs = [
    job("old", "2026-11-20", "2026-11-20T09:00:00Z"),
    job("first", "2026-11-21", "2026-11-21T09:00:00Z"),
    job("second", "2026-11-21", "2026-11-21T10:00:00Z"),
  ];
  jest.mocked(listAll).mockImplementation(async () => [...jobs]);
  const runs = new TrainingRuns(outputs);
  const found = await runs.of(["2026-11-21", "2026-11-22"]);
  expect(found?.name).toBe("jobs/second");
  const orders: unknown[] = [];
  jest.mocked(ask).mockImplementation(async (_, url, data) => {
    const { messages } = data as { messages: { data: string }[] };
    orders.push([url, ...messages.map((message) => Buffer.from(message.data, "base64").toString())]);
    jobs.push(job("third", "2026-11-21", "2026-11-22T00:00:01Z", 2));
  });
  expect((await runs.again(found!)).name).toBe("jobs/third");
  expect(orders).toEqual([["https://pubsub.googleapis.com/v1/topics/t:publish", '{"date":"2026-11-21","attempt":2}']]);
});
