/** Which day's run a firing of the schedule gives, also when midnight (UTC) comes while it is fired. */
import { ask, listAll } from "./google";
import type { StackOutputs } from "./deployed";
import { TrainingRuns, type PipelineJob } from "./training-run";

jest.mock("./google");

const outputs = { project: "p", region: "r", trainingSchedule: "jobs/t", topic: "topics/t" } as StackOutputs;
const asked = new Date("2026-11-21T23:59:59.900Z");

/** Cloud Scheduler's job before it is fired and after, with the time of its attempt. */
function schedule(lastAttemptTime: string) {
  const seen = [{}, { lastAttemptTime, status: {} }];
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

describe("a call of the function that fails", () => {
  const attempt = "2026-11-21T23:59:59.990Z";
  const url = "https://r-p.cloudfunctions.net/start";
  const more = `More is in Cloud Logging: resource.type="cloud_run_revision" resource.labels.service_name="start" timestamp>="${attempt}"`;

  /** What the firing throws, and what the log was asked. */
  async function failure(functions: () => object[], entries: object[]): Promise<[string, unknown]> {
    const seen = [{}, { lastAttemptTime: attempt, status: { code: 13, message: "500" }, httpTarget: { uri: url } }];
    let asked: unknown;
    jest.mocked(listAll).mockImplementation(async () => functions());
    jest.mocked(ask).mockImplementation(async (method, address, data) => {
      if (method === "GET") return seen.shift();
      if (!address.endsWith("entries:list")) return {};
      asked = data;
      return { entries };
    });
    const told = await new TrainingRuns(outputs).fire().catch((error: Error) => error.message);
    return [told as string, asked];
  }
  const start = { url, serviceConfig: { service: "projects/p/locations/r/services/start" } };
  const failed = "jobs/t: its call of the function failed: code 13. 500";

  it("is told with what the function has logged since, oldest first, each once", async () => {
    const newest = [
      { jsonPayload: { message: "no spec", status: 500 } },
      { textPayload: "at x" },
      { textPayload: "at x" },
    ];
    const [told, asked] = await failure(() => [{ url: "https://other" }, start], newest);
    expect(told).toBe([failed, "at x", "no spec", more].join("\n  "));
    expect(asked).toMatchObject({
      resourceNames: ["projects/p"],
      filter: `resource.type="cloud_run_revision" resource.labels.service_name="start" timestamp>="${attempt}" (severity>=WARNING OR logName="projects/p/logs/run.googleapis.com%2Fstderr")`,
    });
  });

  it("is told with the function that is not there", async () => {
    const [told] = await failure(() => [], []);
    expect(told).toBe(
      `${failed}\n  No function is deployed at ${url}. Deploy it again: pulumi up --refresh, or npx sparklab up --refresh`,
    );
  });

  it("is told too when the log cannot be read", async () => {
    const [told] = await failure(() => {
      throw new Error("denied");
    }, []);
    expect(told).toBe(`${failed}\n  Its log could not be read: denied`);
  });
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
