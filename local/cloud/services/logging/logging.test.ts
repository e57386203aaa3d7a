/** Log entries: what clients write, what drivers print, and the filters that find both. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { testCloud, type TestCloud } from "../../testing";
import { logging } from ".";
import { parseFilter } from "./filter";
import { storage } from "../storage";
import { writeObject } from "../storage/objects";

const P = "projects/sparklab-local";
const STAGING = "sparklab-local-staging";
let lab: TestCloud;
beforeAll(async () => {
  lab = await testCloud({ services: [logging, storage], now: () => new Date("2026-11-21T09:00:00Z") });
  await lab.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: STAGING });
});
afterAll(() => lab.close());

const ENTRIES = "https://logging.googleapis.com/v2/entries";
const write = (body: JsonObject) => lab.rest(`POST ${ENTRIES}:write`, body);
const list = async (filter: string, more: JsonObject = {}) =>
  (await lab.rest(`POST ${ENTRIES}:list`, { resourceNames: [P], filter, ...more })) as {
    entries?: JsonObject[];
    nextPageToken?: string;
  };
const texts = async (filter: string, more: JsonObject = {}) =>
  ((await list(filter, more)).entries ?? []).map(({ textPayload }) => textPayload);

describe("entries that clients write", () => {
  const app = `${P}/logs/app`;
  beforeAll(() =>
    write({
      logName: app,
      labels: { "lab/part": "a" },
      entries: [
        { textPayload: "one", timestamp: "2026-11-20T00:00:00Z", severity: "ERROR" },
        { textPayload: "two", labels: { "lab/part": "b" } },
        { jsonPayload: { message: "three", code: 7 }, severity: "INFO" },
      ],
    }),
  );

  test("are found in their order, completed, page by page", async () => {
    const first = await list(`logName="${app}"`, { pageSize: 2 });
    expect(first.entries).toMatchObject([
      {
        textPayload: "one",
        severity: "ERROR",
        labels: { "lab/part": "a" },
        receiveTimestamp: "2026-11-21T09:00:00.000Z",
      },
      { textPayload: "two", severity: "DEFAULT", resource: { type: "global" }, labels: { "lab/part": "b" } },
    ]);
    const rest = await list(`logName="${app}"`, { pageSize: 2, pageToken: first.nextPageToken! });
    expect(rest).toEqual({ entries: [expect.objectContaining({ jsonPayload: { message: "three", code: 7 } })] });
    expect(await texts(`logName="${app}"`, { orderBy: "timestamp desc" })).toEqual([undefined, "two", "one"]);
  });

  test.each([
    ["severity>=ERROR", ["one"]],
    ["severity<error", ["two", undefined]],
    ['timestamp>="2026-11-21T00:00:00Z"', ["two", undefined]],
    ['labels."lab/part"=b', ["two"]],
    ['textPayload="ONE" OR textPayload:tw', ["one", "two"]],
    ["jsonPayload.code>6.5 jsonPayload.message=~^thr", [undefined]],
    ["NOT (textPayload=one OR jsonPayload:*)", ["two"]],
    ["textPayload=(one OR TWO)", ["one", "two"]],
    ["textPayload=(NOT one AND NOT (two OR four)) OR severity=(ERROR OR INFO)", ["one", undefined]],
    ["three", [undefined]],
    ["textPayload!=one -- and no more", ["two", undefined]],
  ])("are found by %s", async (filter, expected) => {
    expect(await texts(`logName="${app}" AND (${filter}\n)`)).toEqual(expected);
  });

  test("are refused with every problem at once", async () => {
    const refusal = await lab.refusal(`POST ${ENTRIES}:write`, { entries: [{ textPayload: "x" }, { logName: app }] });
    expect(refusal.message).toBe(
      `entries[0].log_name: got ''; expected ${P}/logs/<log>. entries[1].payload: got none; expected exactly one payload.`,
    );
  });

  test("are not kept by a dry run", async () => {
    await write({ logName: `${P}/logs/dry`, dryRun: true, entries: [{ textPayload: "x" }] });
    expect(await list(`logName="${P}/logs/dry"`)).toEqual({ entries: [] });
  });
});

test("a driver's lines are entries of its batch, with the times and levels that they say", async () => {
  const output = "reading\n2026-11-21 08:01:02,345 WARN Loader: slow\n\nTraceback (most recent call last):\n";
  const uri = `gs://${STAGING}/meta/driveroutput`;
  await writeObject(lab.cloud, { bucket: STAGING, name: "meta/driveroutput.000000000" }, output);
  const name = `${P}/locations/us-central1/batches/churn-1`;
  const batch = { name, uuid: "u-1", createTime: "2026-11-21T08:00:00Z", runtimeInfo: { outputUri: uri } };
  await lab.cloud.store.write({ put: { [name]: batch } });
  const { entries } = await list('resource.type="cloud_dataproc_batch" resource.labels.batch_id="churn-1"');
  expect(entries).toMatchObject([
    { textPayload: "reading", severity: "DEFAULT", timestamp: "2026-11-21T08:00:00Z", insertId: "u-1-000000000" },
    { textPayload: "2026-11-21 08:01:02,345 WARN Loader: slow", severity: "WARNING" },
    { textPayload: "Traceback (most recent call last):", timestamp: "2026-11-21T08:01:02.345Z" },
  ]);
  expect(await texts('resource.labels.batch_id="churn-1" severity>=WARNING')).toHaveLength(1);
});

test.each([
  ["a=", "Unparseable filter: syntax error at its end."],
  ["(a=1", "Unparseable filter: syntax error at its end."],
  ["a=1)", "Unparseable filter: syntax error at column 4, token ')'."],
  ["a=(1 OR", "Unparseable filter: syntax error at its end."],
  ["a=(1 OR b=2)", "Unparseable filter: syntax error at column 10, token '='."],
  ["a=OR", "Unparseable filter: syntax error at column 3, token 'OR'."],
  ['a="open', "Unparseable filter: syntax error at column 3, token '\"'."],
  ["AND a=1", "Unparseable filter: syntax error at column 1, token 'AND'."],
])("refuses the filter %s by its place", (filter, message) => {
  expect(() => parseFilter(filter)).toThrow(message);
});

test("a sink whose filter cannot be read is refused, one with the lab's is kept", async () => {
  const sinks = `POST https://logging.googleapis.com/v2/${P}/sinks`;
  const sink = { name: "runs", destination: `bigquery.googleapis.com/${P}/datasets/logs` };
  expect((await lab.refusal(sinks, { ...sink, filter: "a=(1" })).message).toMatch(/^Unparseable filter/);
  const filter = 'resource.type=("cloud_dataproc_batch" OR "cloud_dataproc_session")';
  expect(await lab.rest(sinks, { ...sink, filter })).toMatchObject({ filter });
});

test("a sink to what is not written to here is refused", async () => {
  const sink = { name: "files", destination: "storage.googleapis.com/files" };
  const refusal = await lab.refusal(`POST https://logging.googleapis.com/v2/${P}/sinks`, sink);
  expect(refusal.message).toBe("Sink destination storage.googleapis.com/files: only BigQuery is written to here.");
});

test("refuses another project's entries", async () => {
  const refusal = await lab.refusal(`POST ${ENTRIES}:list`, { resourceNames: ["projects/other"] });
  expect(refusal.message).toMatch(/projects\/other/);
});
