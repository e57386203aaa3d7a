/** Log entries as rows: names of tables and columns, as Cloud Logging makes them. */
import { expect, test } from "@jest/globals";
import { rowOf, tableOf, UnfitEntry } from "./bigquery-rows";

const entry = (log: string, more = {}) => ({
  logName: `projects/p/logs/${log}`,
  resource: { type: "global" },
  timestamp: "2026-11-20T23:59:59Z",
  insertId: "1",
  ...more,
});
const columnsOf = (payload: object) =>
  rowOf(entry("app", payload)).fields.filter(({ name }) => /payload_|labels/.test(name));

test.each([
  ["cloudaudit.googleapis.com%2Factivity", true, "cloudaudit_googleapis_com_activity"],
  ["my-app.log", false, "my_app_log_20261120"],
])("the table of the log %s, partitioned: %s, is %s", (log, isPartitioned, table) => {
  expect(tableOf(entry(log), isPartitioned)).toBe(table);
});

test("a payload with a type has its column's name from it, and of an audit entry what has no fixed form is text", () => {
  const audit = {
    ...{ "@type": "type.googleapis.com/google.cloud.audit.AuditLog", methodName: "Create", status: { code: 10 } },
    request: { any: 1 },
  };
  expect(columnsOf({ protoPayload: audit })).toEqual([
    {
      ...{ name: "protopayload_auditlog", type: "RECORD" },
      fields: [
        { name: "methodName", type: "STRING" },
        { name: "status", type: "RECORD", fields: [{ name: "code", type: "INTEGER" }] },
        { name: "requestJson", type: "STRING" },
      ],
    },
  ]);
  const typed = { "@type": "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry", a: "x" };
  expect(columnsOf({ jsonPayload: typed })).toMatchObject([{ name: "jsonpayload_type_loadbalancerlogentry" }]);
});

test("an entry that BigQuery cannot store says why", () => {
  expect(() => rowOf(entry("app", { jsonPayload: { a: [[1]] } }))).toThrow(UnfitEntry);
  expect(() => rowOf(entry("app", { jsonPayload: { a: [1, "x"] } }))).toThrow("This field: a of a is STRING");
});
