/** What the engine does that bqemulator does wrong: each test fails with bqemulator's own way of doing it. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { into, openBigQuery, query, table, type TestBigQuery } from "./requests";

jest.setTimeout(180_000);
let lab: TestBigQuery;
beforeAll(async () => {
  lab = await openBigQuery();
});
afterAll(() => lab.close());

const ID = { name: "id", type: "INTEGER", mode: "REQUIRED" };
const NAME = { name: "name", type: "STRING" };
const load = (tableId: string, sourceUris: string[], more = {}) => ({
  load: { ...into(tableId), sourceUris, sourceFormat: "CSV", ...more },
});

describe("results of queries", () => {
  test("a SELECT is run once and kept in an anonymous table, which its pages and its metadata are read from", async () => {
    const done = await lab.job(query("SELECT RAND() AS r FROM UNNEST([1, 2, 3])"));
    const { datasetId, tableId } = done.configuration.query.destinationTable;
    const page = (token = "") => lab.api(`GET queries/${done.jobReference.jobId}?maxResults=2${token}`);
    const first = await page();
    const rest = await page(`&pageToken=${first.pageToken}`);
    const again = await lab.api(`GET datasets/${datasetId}/tables/${tableId}/data`);
    expect([...first.rows!, ...rest.rows!]).toEqual(again.rows);
    expect(await lab.api(`GET datasets/${datasetId}/tables/${tableId}`)).toMatchObject({
      numRows: "3",
      numBytes: "24",
    });
    expect((await lab.api("GET datasets")).datasets.map((d: { id: string }) => d.id)).toEqual(["sparklab-local:d"]);
  });

  test("WRITE_APPEND adds the rows of the query to its destination, WRITE_TRUNCATE replaces them, WRITE_EMPTY refuses", async () => {
    const write = (text: string, writeDisposition: string) =>
      lab.job(query(text, { ...into("kept"), writeDisposition }));
    await write("SELECT 1 AS id UNION ALL SELECT 2", "WRITE_EMPTY");
    await write("SELECT 3 AS id", "WRITE_APPEND");
    expect(await lab.rows("SELECT id FROM d.kept ORDER BY id")).toEqual([["1"], ["2"], ["3"]]);
    expect((await write("SELECT 4 AS id", "WRITE_EMPTY")).status.errorResult.reason).toBe("duplicate");
    await write("SELECT 'x' AS name", "WRITE_TRUNCATE");
    expect(await lab.rows("SELECT name FROM d.kept")).toEqual([["x"]]);
    expect((await write("SELECT 1 AS name", "WRITE_APPEND")).status.errorResult.message).toMatch(
      /changed type from STRING to INTEGER/,
    );
  });

  test("appended values go to the columns of their names, not of their places", async () => {
    const texts = ["a", "b"].map((name) => ({ name, type: "STRING" }));
    await lab.api("POST datasets/d/tables", table("swapped", texts));
    const more = { ...into("swapped"), writeDisposition: "WRITE_APPEND" };
    expect((await lab.job(query("SELECT 'of b' AS b, 'of a' AS a", more))).status).toEqual({ state: "DONE" });
    expect(await lab.rows("SELECT a, b FROM d.swapped")).toEqual([["of a", "of b"]]);
  });

  test("queries that run at once get their own rows", async () => {
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        lab.rows(`SELECT ${n} AS n, COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, ${1000 + n}))`),
      ),
    );
    expect(answers).toEqual(answers.map((_, n) => [[`${n}`, `${1000 + n}`]]));
  });

  test("time travel is refused instead of answered with the rows of today", async () => {
    await lab.job(query("CREATE OR REPLACE TABLE d.travelled AS SELECT 1 AS id"));
    const past = "SELECT * FROM d.travelled FOR SYSTEM_TIME AS OF TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)";
    expect((await lab.job(query(past))).status.errorResult).toMatchObject({ reason: "notImplemented" });
  });
});

describe("MERGE", () => {
  const REPLACE = (target: string, source: string) =>
    `MERGE \`sparklab-local.d.${target}\`\nUSING (SELECT * FROM \`sparklab-local.d.${source}\`)\nON FALSE\nWHEN NOT MATCHED THEN INSERT ROW\nWHEN NOT MATCHED BY SOURCE THEN DELETE`;

  test("INSERT ROW with NOT MATCHED BY SOURCE replaces all rows, as the connector's overwrite asks", async () => {
    await lab.api("POST datasets/d/tables", table("target", [ID, NAME]));
    await lab.job(query("INSERT INTO d.target (id, name) VALUES (1, 'old'), (2, 'old')"));
    await lab.job(query("CREATE TABLE d.source AS SELECT 7 AS id, 'new' AS name"));
    const done = await lab.job(query(REPLACE("target", "source")));
    expect(done.status).toEqual({ state: "DONE" });
    expect(done.statistics.query).toMatchObject({ statementType: "MERGE", numDmlAffectedRows: "3" });
    expect(await lab.rows("SELECT * FROM d.target")).toEqual([["7", "new"]]);
  });

  test("a replacement that breaks a REQUIRED column leaves the old rows", async () => {
    await lab.job(query("CREATE TABLE d.broken AS SELECT CAST(NULL AS INT64) AS id, 'x' AS name"));
    expect((await lab.job(query(REPLACE("target", "broken")))).status.errorResult.message).toBe(
      "Required field id cannot be null",
    );
    expect(await lab.rows("SELECT * FROM d.target")).toEqual([["7", "new"]]);
  });

  test("text that only looks like the clause is left alone", async () => {
    expect(await lab.rows("SELECT 'INSERT ROW' AS word")).toEqual([["INSERT ROW"]]);
  });
});

describe("loads", () => {
  test("tell what they read and wrote, in figures of the files and of the rows that they added", async () => {
    const uri = await lab.put("a/1.csv", "1,one\n2,two\n");
    await lab.put("a/2.csv", "3,drei\n");
    await lab.job(load("told", [uri], { schema: { fields: [ID, NAME] } }));
    const done = await lab.job(load("told", ["gs://files/a/*.csv"], { schema: { fields: [ID, NAME] } }));
    expect(done.statistics.load).toEqual({
      inputFiles: "2",
      inputFileBytes: "19",
      outputRows: "3",
      outputBytes: "40",
      badRecords: "0",
    });
    expect(await lab.api("GET datasets/d/tables/told")).toMatchObject({ numRows: "5", numBytes: "66" });
  });

  test("WRITE_TRUNCATE with autodetect makes a table that is missing, and replaces the columns of one that is there", async () => {
    const first = await lab.put("b/1.csv", "id,name\n1,one\n");
    const second = await lab.put("b/2.csv", "day,amount\n2026-01-31,1.5\n");
    const more = { autodetect: true, writeDisposition: "WRITE_TRUNCATE" };
    expect((await lab.job(load("detected", [first], more))).status).toEqual({ state: "DONE" });
    expect((await lab.job(load("detected", [second], more))).status).toEqual({ state: "DONE" });
    expect((await lab.api("GET datasets/d/tables/detected")).schema.fields).toMatchObject([
      { name: "day", type: "DATE" },
      { name: "amount", type: "FLOAT" },
    ]);
    expect(await lab.rows("SELECT * FROM d.detected")).toEqual([["2026-01-31", "1.5"]]);
  });

  test("one bad file of many leaves the table as it was", async () => {
    await lab.put("c/1.csv", "4,four\n");
    await lab.put("c/2.csv", "five,5\n");
    const done = await lab.job(
      load("told", ["gs://files/c/*"], { schema: { fields: [ID, NAME] }, writeDisposition: "WRITE_TRUNCATE" }),
    );
    expect(done.status.errorResult).toMatchObject({ reason: "invalid", location: "gs://files/c/1.csv" });
    expect(done.status.errorResult.message).toContain("five");
    expect(await lab.api("GET datasets/d/tables/told")).toMatchObject({ numRows: "5" });
  });

  test("values go to the columns of their names, whatever their order in a file", async () => {
    await lab.api("POST datasets/d/tables", table("named", [NAME, ID]));
    const uri = await lab.put("d/1.json", '{"id": 1, "name": "one"}\n{"name": "two", "id": "2"}\n');
    const json = { sourceFormat: "NEWLINE_DELIMITED_JSON" };
    await lab.job(load("named", [uri], json));
    expect(await lab.rows("SELECT id, name FROM d.named ORDER BY id")).toEqual([
      ["1", "one"],
      ["2", "two"],
    ]);
    const unknown = await lab.put("d/2.json", '{"id": 3, "colour": "red"}\n');
    expect((await lab.job(load("named", [unknown], json))).status.errorResult.message).toMatch(/No such field: colour/);
  });

  test("CSV options are followed, and those that are not implemented are refused", async () => {
    const uri = await lab.put("e/1.csv", "# head\n1|'a|b'\n2|NA\n3|\n");
    const options = {
      skipLeadingRows: 1,
      fieldDelimiter: "|",
      quote: "'",
      nullMarker: "NA",
      schema: { fields: [ID, NAME] },
    };
    await lab.job(load("options", [uri], options));
    expect(await lab.rows("SELECT * FROM d.options ORDER BY id")).toEqual([
      ["1", "a|b"],
      ["2", null],
      ["3", ""],
    ]);
    const refused = await lab.job(load("options", [uri], { ...options, maxBadRecords: 5 }));
    expect(refused.status.errorResult).toMatchObject({
      reason: "notImplemented",
      message: expect.stringContaining("maxBadRecords"),
    });
  });

  test("a source that is not there fails the job by name", async () => {
    const done = await lab.job(load("told", ["gs://files/none-*"]));
    expect(done.status.errorResult).toEqual({
      reason: "notFound",
      message: expect.stringContaining("gs://files/none-*"),
    });
  });

  test("a partition is replaced alone", async () => {
    const day = { name: "day", type: "DATE" };
    await lab.api(
      "POST datasets/d/tables",
      table("parts", [ID, day], { timePartitioning: { type: "DAY", field: "day" } }),
    );
    await lab.job(query("INSERT INTO d.parts VALUES (1, '2026-01-01'), (2, '2026-01-02')"));
    const uri = await lab.put("f/1.csv", "9,2026-01-02\n");
    await lab.job(load("parts$20260102", [uri], { writeDisposition: "WRITE_TRUNCATE" }));
    expect(await lab.rows("SELECT * FROM d.parts ORDER BY id")).toEqual([
      ["1", "2026-01-01"],
      ["9", "2026-01-02"],
    ]);
  });
});

describe("tables", () => {
  test("a REQUIRED column takes no NULL, by no way of writing", async () => {
    await lab.api("POST datasets/d/tables", table("strict", [ID, NAME]));
    const byDml = await lab.job(query("INSERT INTO d.strict (name) VALUES ('x')"));
    expect(byDml.status.errorResult.message).toBe("Required field id cannot be null");
    const streamed = await lab.api("POST datasets/d/tables/strict/insertAll", {
      rows: [{ json: { name: "x" } }, { json: { id: 1 } }],
    });
    expect(
      streamed.insertErrors.map((e: { index: number; errors: { reason: string }[] }) => [e.index, e.errors[0]!.reason]),
    ).toEqual([
      [0, "invalid"],
      [1, "stopped"],
    ]);
    expect(await lab.rows("SELECT COUNT(*) FROM d.strict")).toEqual([["0"]]);
  });

  test("a view made through the API is read by SQL", async () => {
    await lab.job(query("CREATE OR REPLACE TABLE d.base AS SELECT 1 AS id UNION ALL SELECT 2"));
    const view = { query: "SELECT id * 10 AS ten FROM d.base", useLegacySql: false };
    await lab.api("POST datasets/d/tables", {
      tableReference: { projectId: "sparklab-local", datasetId: "d", tableId: "tens" },
      view,
    });
    expect(await lab.rows("SELECT ten FROM d.tens ORDER BY ten")).toEqual([["10"], ["20"]]);
    expect(await lab.api("GET datasets/d/tables/tens")).toMatchObject({
      type: "VIEW",
      view,
      schema: { fields: [{ name: "ten", type: "INTEGER" }] },
    });
  });

  test("nested and repeated columns keep their parts, reserved words among their names", async () => {
    const inner: JsonObject[] = [
      { name: "order", type: "INTEGER" },
      { name: "end", type: "STRING", mode: "REPEATED" },
    ];
    const fields: JsonObject[] = [
      ID,
      { name: "one", type: "RECORD", fields: inner },
      { name: "many", type: "RECORD", mode: "REPEATED", fields: inner },
    ];
    await lab.api("POST datasets/d/tables", table("deep", fields));
    const json: JsonObject = { id: 1, one: { order: 5, end: ["a", "b"] }, many: [{ order: 6 }, { end: ["c"] }] };
    expect(await lab.api("POST datasets/d/tables/deep/insertAll", { rows: [{ json }] })).not.toHaveProperty(
      "insertErrors",
    );
    expect(
      await lab.rows("SELECT one.order, ARRAY_LENGTH(one.end), (SELECT SUM(m.order) FROM UNNEST(many) m) FROM d.deep"),
    ).toEqual([["5", "2", "6"]]);
  });
});
