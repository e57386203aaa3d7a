/** Time series of a log-based metric: the entries that were logged, counted, aligned and reduced. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import type { JsonObject } from "../../service";
import { testCloud, type TestCloud } from "../../testing";
import { logging } from "../logging";
import { storage } from "../storage";
import { monitoring } from ".";

const P = "projects/sparklab-local";
const LOGGING = "https://logging.googleapis.com/v2";
const METRIC = "logging.googleapis.com/user/failures";
let lab: TestCloud;
beforeAll(async () => {
  lab = await testCloud({ services: [storage, logging, ...monitoring], now: () => new Date("2026-11-21T09:00:00Z") });
  await lab.rest(`POST ${LOGGING}/${P}/metrics`, { name: "failures", filter: "severity>=ERROR" });
  const entry = (time: string, batch: string, severity = "ERROR"): JsonObject => ({
    ...{ textPayload: "x", severity, timestamp: `2026-11-21T${time}Z` },
    resource: { type: "cloud_dataproc_batch", labels: { batch_id: batch } },
  });
  const entries = [entry("08:50:10", "a"), entry("08:50:20", "a"), entry("08:57:00", "a"), entry("08:58:00", "b")];
  entries.push(entry("08:58:00", "b", "INFO"));
  await lab.rest(`POST ${LOGGING}/entries:write`, { logName: `${P}/logs/app`, entries });
  while ((await lab.cloud.store.list("logging/arrivals/")).length > 0) await pause(20);
});
afterAll(() => lab.close());

const url = (filter: string, more: Record<string, string> = {}) => {
  const query = { filter, "interval.startTime": "2026-11-21T08:30:00Z", "interval.endTime": "2026-11-21T09:00:00Z" };
  return `GET https://monitoring.googleapis.com/v3/${P}/timeSeries?${new URLSearchParams({ ...query, ...more }).toString()}`;
};
const OWN = `metric.type="${METRIC}"`;
async function series(filter: string, more: Record<string, string> = {}) {
  const { timeSeries = [] } = (await lab.rest(url(filter, more))) as { timeSeries?: Series[] };
  return timeSeries.map(({ resource, points }) => [
    ...Object.values(resource.labels ?? {}),
    ...points.map(
      ({ interval, value }) => `${interval.endTime.slice(11, 16)} ${value.int64Value ?? value.doubleValue}`,
    ),
  ]);
}
interface Series {
  resource: { labels?: Record<string, string> };
  points: { interval: { endTime: string }; value: { int64Value?: string; doubleValue?: number } }[];
}
const aggregation = (aligner: string, reducer = "REDUCE_NONE", groupBy = "resource.label.batch_id") => ({
  ...{ "aggregation.alignmentPeriod": "300s", "aggregation.perSeriesAligner": aligner },
  ...{ "aggregation.crossSeriesReducer": reducer, "aggregation.groupByFields": groupBy },
});

test("has a point for each minute in which entries came, the newest first", async () => {
  expect(await series(OWN)).toEqual([
    ["a", "08:58 1", "08:51 2"],
    ["b", "08:59 1"],
  ]);
  expect(await series(`${OWN} AND resource.labels.batch_id="b"`)).toEqual([["b", "08:59 1"]]);
  expect(await series(`${OWN} resource.type="global"`)).toEqual([]);
});

test("is aligned to periods that end with the interval, and reduced to groups", async () => {
  expect(await series(OWN, aggregation("ALIGN_DELTA"))).toEqual([
    ["a", "09:00 1", "08:55 2"],
    ["b", "09:00 1"],
  ]);
  expect(await series(OWN, aggregation("ALIGN_SUM", "REDUCE_SUM", "metric.type"))).toEqual([["09:00 2", "08:55 2"]]);
  expect(await series(OWN, aggregation("ALIGN_RATE", "REDUCE_SUM"))).toEqual([
    ["a", `09:00 ${1 / 300}`, `08:55 ${2 / 300}`],
    ["b", `09:00 ${1 / 300}`],
  ]);
});

test.each([
  ["resource.type=x", {}, /^filter: got 'resource.type=x'; expected metric.type/],
  ['metric.type="dataproc.googleapis.com/batch/spark/executors"', {}, /executors is not measured here/],
  [OWN, aggregation("ALIGN_PERCENTILE_99", "REDUCE_STDDEV"), /ALIGN_PERCENTILE_99 .*REDUCE_STDDEV/],
  [OWN, aggregation("ALIGN_NONE", "REDUCE_SUM"), /perSeriesAligner: needed to reduce/],
])("is refused for %s %j", async (filter, more, message) => {
  expect((await lab.refusal(url(filter, more))).message).toMatch(message);
});
