/** What a client was told is there after the engine was killed, and what it was not told is there whole or not at all. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { openBigQuery, query, table, type Answer, type TestBigQuery } from "./requests";

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

test("every row whose insert was answered is there, and none twice, while the engine is killed again and again", async () => {
  await lab.api("POST datasets/d/tables", table("rows", [{ name: "id", type: "INTEGER", mode: "REQUIRED" }]));
  const answered: number[] = [];
  let next = 0;
  const writer = async (until: number) => {
    while (next < until) {
      const id = next++;
      const body = { rows: [{ json: { id } }] };
      const done = await lab.api("POST datasets/d/tables/rows/insertAll", body).catch((error: Answer) => {
        expect(error).toMatchObject({ http: 503, reason: "backendError" });
      });
      if (done) answered.push(id);
    }
  };
  for (let round = 1; round <= 3; round += 1) {
    const writers = Promise.all([writer(round * 60), writer(round * 60), writer(round * 60)]);
    while (next < round * 60 - 30) await lab.api("GET datasets/d").catch(() => undefined);
    await kill();
    await writers;
  }
  const stored = (await retried(() => lab.rows("SELECT id FROM d.rows"))).map(([id]) => Number(id));
  expect(new Set(stored).size).toBe(stored.length);
  expect(answered.filter((id) => !stored.includes(id))).toEqual([]);
  expect(answered.length).toBeGreaterThan(90);
});

test("a row is known by its insert id after the engine was killed", async () => {
  const once = { rows: [{ insertId: "one", json: { id: 1 } }] };
  await retried(() => lab.api("POST datasets/d/tables", table("known", [{ name: "id", type: "INTEGER" }])));
  await lab.api("POST datasets/d/tables/known/insertAll", once);
  await kill();
  await retried(() => lab.api("POST datasets/d/tables/known/insertAll", once));
  expect(await lab.rows("SELECT COUNT(*) FROM d.known")).toEqual([["1"]]);
});

test("a record that got a field is whole after the engine was killed", async () => {
  const inner = (...names: string[]) => names.map((name) => ({ name, type: "STRING" }));
  const fields = (...names: string[]) => [{ name: "r", type: "RECORD", fields: inner(...names) }];
  await lab.api("POST datasets/d/tables", table("grown", fields("a")));
  await lab.api("POST datasets/d/tables/grown/insertAll", { rows: [{ json: { r: { a: "x" } } }] });
  await lab.api("PATCH datasets/d/tables/grown", { schema: { fields: fields("a", "b") } });
  await lab.api("POST datasets/d/tables/grown/insertAll", { rows: [{ json: { r: { b: "y" } } }] });
  await kill();
  expect(await retried(() => lab.rows("SELECT r.a, r.b FROM d.grown ORDER BY 1"))).toEqual([
    [null, "y"],
    ["x", null],
  ]);
});

test("the result of a query is read after the engine was killed, and a query that ran then has failed", async () => {
  const done = await retried(() =>
    lab.job(query("SELECT RAND() AS r, x FROM UNNEST(GENERATE_ARRAY(1, 5)) x ORDER BY x")),
  );
  const results = () => lab.api(`GET queries/${done.jobReference.jobId}`);
  const before = await results();
  const endless =
    "SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 100000)) a, UNNEST(GENERATE_ARRAY(1, 100000)) b, UNNEST(GENERATE_ARRAY(1, 100000)) c WHERE MOD(a * b, 7) = MOD(c, 3)";
  const { jobReference } = await lab.api("POST jobs", { configuration: query(endless) });
  await kill();
  expect(await retried(results)).toEqual(before);
  const status = (await lab.api(`GET jobs/${jobReference.jobId}`)).status;
  expect(status).toMatchObject({
    state: "DONE",
    errorResult: { reason: "backendError", message: expect.stringContaining("nothing of it was applied") },
  });
});
