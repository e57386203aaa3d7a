/** Entries that a log sink has taken reach BigQuery once each, though engine and cloud are killed and start anew. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import type { JsonObject } from "../../service";
import { openBigQuery, type TestBigQuery } from "../bigquery/requests";
import { logging } from ".";

jest.setTimeout(240_000);
const P = "projects/sparklab-local";
const WRITER = "service-100000000001@gcp-sa-logging.iam.gserviceaccount.com";
const ROUNDS = 4;
let lab: TestBigQuery;
beforeAll(async () => {
  lab = await openBigQuery({ services: [logging] });
  const access = [{ role: "roles/bigquery.dataEditor", userByEmail: WRITER }];
  await lab.api("POST datasets", { datasetReference: { datasetId: "logs" }, location: "us-central1", access });
  const sink = {
    ...{ name: "whole", destination: `bigquery.googleapis.com/${P}/datasets/logs` },
    ...{ filter: `logName="${P}/logs/whole"`, bigqueryOptions: { usePartitionedTables: true } },
  };
  await lab.test.rest(`POST https://logging.googleapis.com/v2/${P}/sinks`, sink);
});
afterAll(() => lab.close());

const write = (entries: JsonObject[]) =>
  lab.test.rest("POST https://logging.googleapis.com/v2/entries:write", { logName: `${P}/logs/whole`, entries });
const stored = async () => Number((await lab.rows("SELECT COUNT(*) FROM logs.whole").catch(() => [[0]]))[0]![0]);

test("no entry is lost and none is there twice", async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await stored();
    const entries = Array.from({ length: 1500 }, (_, id) => ({ textPayload: `${round}-${id}` }));
    // Records that grow while rows come: the engine has to find both when it starts again.
    const part = (from: number) =>
      entries
        .slice(from, from + 500)
        .map(({ textPayload }) => ({ jsonPayload: { [`round${round}`]: { [`part${from}`]: textPayload } } }));
    await Promise.all([0, 500, 1000].map((from) => write(part(from))));
    // The first round is killed before anything is written, the others amid it.
    while (round > 0 && (await stored()) === before) await pause(10);
    process.kill((await lab.engine.start()).pid, "SIGKILL");
    await lab.restart();
  }
  while ((await lab.test.cloud.store.list("logging/")).some(({ key }) => /arrivals|queue/.test(key))) await pause(50);
  const [[all, different] = []] = await lab.rows("SELECT COUNT(*), COUNT(DISTINCT insertId) FROM logs.whole");
  expect([all, different]).toEqual([String(1500 * ROUNDS), String(1500 * ROUNDS)]);
});
