/** Loads that are killed at many moments of their work: never half a table. */
import type { JsonObject } from "../../service";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { into, openBigQuery, query, table, type Answer, type TestBigQuery } from "./requests";

jest.setTimeout(240_000);
let lab: TestBigQuery;
beforeAll(async () => {
  lab = await openBigQuery();
});
afterAll(() => lab.close());

const kill = async () => process.kill((await lab.engine.start()).pid, "SIGKILL");

/** Calls again what a killed engine could not answer, as Google's clients do on 503. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { http?: number }).http !== 503) throw error;
    }
  }
}

test("a load that was killed has loaded nothing or everything, and its job says which", async () => {
  const lines = (start: number) =>
    Array.from({ length: 60_000 }, (_, n) => `${start + n},name ${start + n}`).join("\n");
  const sourceUris = [await lab.put("l/1.csv", lines(0)), await lab.put("l/2.csv", lines(60_000))];
  const fields: JsonObject[] = [
    { name: "id", type: "INTEGER", mode: "REQUIRED" },
    { name: "name", type: "STRING" },
  ];
  await retried(() => lab.api("POST datasets/d/tables", table("loaded", fields)));
  await retried(() => lab.job(query("INSERT INTO d.loaded (id, name) VALUES (-1, 'old')")));
  const outcomes = new Set<string>();
  for (let delay = 0; delay <= 600; delay += 75) {
    const jobId = `load-${delay}`;
    const configuration = {
      load: { ...into("loaded"), sourceUris, sourceFormat: "CSV", writeDisposition: "WRITE_TRUNCATE" },
    };
    const started = lab.api("POST jobs", { configuration, jobReference: { jobId } }).catch(() => undefined);
    // Chance is the point: the kill comes at another moment of the work each time.
    await new Promise((resolve) => setTimeout(resolve, delay));
    await kill();
    await started;
    const [[count]] = (await retried(() => lab.rows("SELECT COUNT(*) FROM d.loaded"))) as [[string]];
    const job = await retried(() => lab.api(`GET jobs/${jobId}`)).catch((error: Answer) => error);
    const told = job.status?.state === undefined ? "no job" : job.status.errorResult ? "failed" : "done";
    outcomes.add(told);
    if (told === "done") expect(count).toBe("120000");
    else {
      if (told === "failed") expect(job.status.errorResult).toMatchObject({ reason: "backendError" });
      expect(count).toBe(outcomes.has("done") ? "120000" : "1");
    }
  }
  expect([...outcomes]).toContain("failed");
});
