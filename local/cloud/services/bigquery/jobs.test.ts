/** Jobs as resources: used once, asked again, cancelled, listed, and refused. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { openBigQuery, query, type TestBigQuery } from "./requests";

jest.setTimeout(180_000);
let lab: TestBigQuery;
beforeAll(async () => {
  lab = await openBigQuery();
});
afterAll(() => lab.close());

describe("jobs", () => {
  test("a job id is used once", async () => {
    const done = await lab.job(query("SELECT 1"), { jobId: "once" });
    expect(done).toMatchObject({
      id: "sparklab-local:us-central1.once",
      user_email: "operator@sparklab.local",
      status: { state: "DONE" },
    });
    const again = await lab.refusal("POST jobs", { configuration: query("SELECT 2"), jobReference: { jobId: "once" } });
    expect(again).toMatchObject({
      http: 409,
      reason: "duplicate",
      message: "Already Exists: Job sparklab-local:us-central1.once",
    });
  });

  test("a query request that is sent again gets the result of the first", async () => {
    const ask = () => lab.api("POST queries", { query: "SELECT RAND() AS r", useLegacySql: false, requestId: "again" });
    const first = await ask();
    expect(await ask()).toEqual(first);
  });

  test("a dry run tells columns and bytes, and leaves nothing", async () => {
    await lab.job(query("CREATE OR REPLACE TABLE d.dry AS SELECT 1 AS id, 'abc' AS name"));
    const before = (await lab.api("GET jobs?allUsers=true")).jobs.length;
    const dry = await lab.api("POST jobs", { configuration: { ...query("SELECT name FROM d.dry"), dryRun: true } });
    expect(dry.statistics).toMatchObject({
      totalBytesProcessed: "5",
      query: { schema: { fields: [{ name: "name", type: "STRING" }] } },
    });
    expect((await lab.api("GET jobs?allUsers=true")).jobs).toHaveLength(before);
    const wrong = await lab.refusal("POST jobs", {
      configuration: { ...query("SELECT nope FROM d.dry"), dryRun: true },
    });
    expect(wrong).toMatchObject({ http: 400, reason: "invalidQuery", message: "Unrecognized name: nope at [1:8]" });
  });

  test("a running query is cancelled, and then is an error", async () => {
    const endless =
      "SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 100000)) a, UNNEST(GENERATE_ARRAY(1, 100000)) b, UNNEST(GENERATE_ARRAY(1, 100000)) c WHERE MOD(a * b, 7) = MOD(c, 3)";
    const { jobReference } = await lab.api("POST jobs", { configuration: query(endless) });
    expect((await lab.api(`GET jobs/${jobReference.jobId}`)).status).toEqual({ state: "RUNNING" });
    await lab.api(`POST jobs/${jobReference.jobId}/cancel`);
    const refused = await lab.refusal(`GET queries/${jobReference.jobId}?timeoutMs=60000`);
    expect(refused).toMatchObject({ reason: "stopped" });
    expect((await lab.api(`GET jobs/${jobReference.jobId}`)).status.errorResult.reason).toBe("stopped");
  });

  test("are listed newest first, in pages, by state", async () => {
    const page = await lab.api("GET jobs?maxResults=2&stateFilter=done");
    expect(page.jobs).toHaveLength(2);
    const next = await lab.api(`GET jobs?maxResults=2&stateFilter=done&pageToken=${page.nextPageToken}`);
    const times = [...page.jobs, ...next.jobs].map((job) => Number(job.statistics.creationTime));
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(await lab.api("GET jobs?stateFilter=running")).not.toHaveProperty("nextPageToken");
  });

  test.each(["datasets", "jobs", "datasets/d/tables"])("a page of %s that nobody gave is refused", async (list) => {
    expect(await lab.refusal(`GET ${list}?pageToken=none`)).toMatchObject({ http: 400, reason: "invalid" });
  });

  test("types that are not implemented say so", async () => {
    const extract = {
      sourceTable: { datasetId: "d", tableId: "dry", projectId: "sparklab-local" },
      destinationUris: ["gs://files/x"],
    };
    expect(await lab.refusal("POST jobs", { configuration: { extract } })).toMatchObject({
      http: 501,
      status: "UNIMPLEMENTED",
    });
    expect(await lab.refusal("GET datasets/d/models")).toMatchObject({ http: 501 });
  });
});
