/** The BigQuery Storage API through the door, used by Google's Python client; the checks are in storage_checks.py. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { openTestLab, type TestLab } from "./testing";

jest.setTimeout(240_000);
let lab: TestLab;
let found: Record<string, unknown>;
beforeAll(async () => {
  lab = await openTestLab();
  const datasetReference = { datasetId: "s" };
  await lab.rest("POST /bigquery/v2/projects/sparklab-local/datasets", { datasetReference, location: "us-central1" });
  const { pid } = await lab.engine.start();
  found = JSON.parse(await lab.python("storage_checks.py", "sparklab-local", "s", `${pid}`)) as typeof found;
});
afterAll(() => lab.close());

describe("reading", () => {
  test("a session's schema is one message, with no end-of-stream mark that readers would stop at", () => {
    expect(found.schema).toEqual(["ffffffff", 0]);
  });

  test("the streams of a session hold each row once", () => {
    expect(found.streams).toBe(3);
    expect(found.read).toEqual([50_000, 50_000, 1_250_025_000]);
  });

  test("a client that lost its connection goes on at its offset", () => {
    expect(found.resumed).toBe(true);
  });

  test("a split stream is two with the rows of one", () => {
    expect(found.split).toEqual([true, true]);
  });

  test("columns and rows are chosen, in Arrow and in Avro", () => {
    expect(found.filtered).toEqual(["name 49998", "name 49999"]);
    expect(found.avro).toEqual(["name", 2]);
  });

  test("a filter that is not understood is refused, never left out", () => {
    expect([found.broken, found.subquery]).toEqual(["InvalidArgument", "InvalidArgument"]);
  });

  test("an empty table has no stream", () => {
    expect(found.empty).toBe(0);
  });
});

describe("writing", () => {
  test("a pending stream takes rows in the order of their offsets, and shows none before it is committed", () => {
    expect(found.pending).toEqual([
      "0",
      "6: The offset is within stream, expected offset 2, received 1",
      "11: The offset is beyond stream, expected offset 2, received 7",
      "2",
    ]);
    expect(found.unseen).toEqual([]);
  });

  test("streams are committed together or not at all, once, and only when they are finalized", () => {
    expect(found.early).toEqual(["INVALID_STREAM_STATE"]);
    expect(found.rows).toEqual([3, 1]);
    expect(found.finalized).toEqual([expect.stringMatching(/^9: Stream is finalized/)]);
    expect([found.some, found.stillUnseen]).toEqual([["STREAM_NOT_FOUND"], []]);
    expect(found.committed).toEqual([[], [1, 2, 3, 4], ["STREAM_ALREADY_COMMITTED"]]);
  });

  test("the default stream answers to both of its names", () => {
    expect(found.default).toEqual([["None"], ["None"]]);
    expect(found.names).toEqual(["COMMITTED", "COMMITTED"]);
  });

  test("a committed stream stores an offset once, a buffered one shows rows up to the flushed offset", () => {
    expect(found.exact).toEqual(["0", "6: The offset is within stream, expected offset 1, received 0", "1"]);
    expect(found.exactRows).toEqual([1, 2]);
    expect(found.flushed).toEqual([1, [1, 2, 20, 21]]);
  });

  test("rows without a required column, columns that the table has not, and unknown streams are refused", () => {
    expect(found.required).toEqual(["3: 1 row(s) cannot be written; first: Required field id is missing"]);
    expect([found.extra, found.unknown]).toEqual([["InvalidArgument"], ["NotFound"]]);
  });
});

describe("after the engine was killed", () => {
  test("rows that waited for their commit are committed", () => {
    expect(found.afterKill).toEqual([[], [1, 2]]);
  });

  test("a read goes on with the rows of its moment", () => {
    expect(found.readAfterKill).toEqual([16_666, 16_666]);
  });
});
