/** Lines that programs print, and what each says of its log entry. */
import { expect, test } from "@jest/globals";
import { entryOfLine } from "./structured-line";

const PREFIX = "logging.googleapis.com/";

test.each<[string, object, object]>([
  ["a message alone is text", { message: "on" }, { severity: "DEFAULT", textPayload: "on" }],
  [
    "a message with fields stays with them",
    { severity: "warn", message: "slow", ms: 7 },
    { severity: "WARNING", jsonPayload: { message: "slow", ms: 7 } },
  ],
  [
    "what tells where it belongs leaves the payload",
    {
      ...{ severity: 500, message: "no", [`${PREFIX}trace`]: "projects/p/traces/t", [`${PREFIX}spanId`]: "s" },
      ...{ [`${PREFIX}trace_sampled`]: true, [`${PREFIX}labels`]: { day: 1 }, [`${PREFIX}insertId`]: "i" },
      ...{ [`${PREFIX}operation`]: { id: "o", first: true }, [`${PREFIX}sourceLocation`]: { file: "a.ts", line: 3 } },
      httpRequest: { requestMethod: "GET", status: 200, requestSize: 12 },
    },
    {
      ...{ severity: "ERROR", textPayload: "no", trace: "projects/p/traces/t", spanId: "s", traceSampled: true },
      ...{ labels: { day: "1" }, insertId: "i", operation: { id: "o", first: true } },
      ...{ sourceLocation: { file: "a.ts", line: "3" } },
      httpRequest: { requestMethod: "GET", status: 200, requestSize: "12" },
    },
  ],
  [
    "a time is the entry's",
    { message: "x", time: "2026-11-21T10:00:00.5+01:00" },
    { severity: "DEFAULT", timestamp: "2026-11-21T09:00:00.500Z", textPayload: "x" },
  ],
  [
    "a time in seconds is the entry's",
    { message: "x", timestamp: { seconds: 1795251600, nanos: 500000000 } },
    { severity: "DEFAULT", timestamp: "2026-11-21T09:00:00.500Z", textPayload: "x" },
  ],
  [
    "what is not what its name says stays in the payload",
    { severity: "loud", time: 1795251600, httpRequest: { status: "fine" }, [`${PREFIX}labels`]: "a" },
    {
      severity: "DEFAULT",
      jsonPayload: { severity: "loud", time: 1795251600, httpRequest: { status: "fine" }, [`${PREFIX}labels`]: "a" },
    },
  ],
])("%s", (_, line, entry) => expect(entryOfLine(JSON.stringify(line))).toEqual(entry));

test.each(["Error: no", '{"severity":', "7", '["a"]'])("a line that is no object is text: %s", (line) =>
  expect(entryOfLine(line)).toEqual({ severity: "DEFAULT", textPayload: line }),
);
