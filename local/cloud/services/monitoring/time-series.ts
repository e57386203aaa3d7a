/**
 * Time series of the metrics that this cloud measures, all of kind DELTA with whole numbers: points of a minute, or
 * aligned and reduced. Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list
 */
import { parseFilter } from "../../engine/filter";
import { pageOf } from "../../engine/list";
import { ApiError, invalid } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../service";
import { secondsOf } from "../delivery/durations";
import { type Event, MEASURED, sourceOf } from "./events";

const MINUTE = 60_000;
type Fold = (values: readonly number[]) => number;
const sum: Fold = (values) => values.reduce((total, value) => total + value, 0);
const FOLDS: Readonly<Record<string, Fold>> = {
  SUM: sum,
  DELTA: sum,
  MEAN: (values) => sum(values) / values.length,
  MAX: (values) => Math.max(...values),
  MIN: (values) => Math.min(...values),
};
const ALIGNERS = ["ALIGN_NONE", "ALIGN_DELTA", "ALIGN_SUM", "ALIGN_MEAN", "ALIGN_RATE"];
const REDUCERS = ["REDUCE_NONE", "REDUCE_SUM", "REDUCE_MEAN", "REDUCE_MAX", "REDUCE_MIN"];

interface Asked {
  filter: string;
  type: string;
  since: number;
  until: number;
  aligner: string;
  /** Milliseconds. */
  period: number;
  reducer: string;
  groupBy: string[];
}

/** Values by the end of their interval. */
interface Series {
  labelled: JsonObject;
  points: Map<number, number[]>;
}

export const listTimeSeries: Behaviour = async (call, cloud) => {
  const asked = read(call);
  const source = await sourceOf(asked.type, cloud);
  if (!source)
    throw new ApiError("UNIMPLEMENTED", `Metric ${asked.type} is not measured here; ${MEASURED.join(", ")} are.`);
  const matches = parseFilter(asked.filter);
  const events = (await source(cloud, asked.since, asked.until)).filter(
    (event) => event.at >= asked.since && event.at < asked.until && matches(labelled(event, asked.type, "label")),
  );
  const minutely = gathered(events, asked, MINUTE);
  const aligned = asked.aligner === "ALIGN_NONE" ? minutely : align(minutely, asked);
  const reduced = asked.reducer === "REDUCE_NONE" ? aligned : reduce(aligned, asked);
  const all = [...reduced].map(([key, series]) => ({ key, value: answered(series, asked) }));
  const { items, nextPageToken } = pageOf(all, { ...call, query: { ...call.query, filter: "" } });
  return {
    timeSeries: items,
    unit: asked.type.startsWith("bigquery.") ? "By" : "1",
    ...(nextPageToken && { nextPageToken }),
  };
};

/** All problems of the request at once. */
function read({ query }: Call): Asked {
  const filter = textOf(query.filter);
  const type = /metric\.type\s*=\s*"([^"]+)"/.exec(filter)?.[1] ?? "";
  const until = Date.parse(textOf(query["interval.endTime"]));
  const since = Date.parse(textOf(query["interval.startTime"]) || textOf(query["interval.endTime"]));
  const aligner = textOf(query["aggregation.perSeriesAligner"]) || "ALIGN_NONE";
  const reducer = textOf(query["aggregation.crossSeriesReducer"]) || "REDUCE_NONE";
  const seconds = secondsOf(textOf(query["aggregation.alignmentPeriod"])) ?? 0;
  const groupBy = [query["aggregation.groupByFields"] ?? []].flat();
  const unread = groupBy.filter((field) => !/^(metric|resource)\.(labels?\.\w+|type)$/.test(field));
  const problems = [
    ...(type === "" ? [`filter: got '${filter}'; expected metric.type = "<type>" in it.`] : []),
    ...(Number.isNaN(until + since) ? ["interval: expected a start and an end time."] : []),
    ...(aligner !== "ALIGN_NONE" && seconds < 60 ? ["aggregation.alignmentPeriod: expected at least 60s."] : []),
    ...(aligner === "ALIGN_NONE" && reducer !== "REDUCE_NONE"
      ? ["aggregation.perSeriesAligner: needed to reduce."]
      : []),
    ...(unread.length > 0 ? [`aggregation.groupByFields: got ${unread.join(", ")}; expected labels or types.`] : []),
  ];
  if (problems.length > 0) throw invalid(problems.join(" "));
  const unserved = [
    ...(ALIGNERS.includes(aligner) ? [] : [`${aligner} (${ALIGNERS.join(", ")} are)`]),
    ...(REDUCERS.includes(reducer) ? [] : [`${reducer} (${REDUCERS.join(", ")} are)`]),
    ...(Object.keys(query).some((name) => name.startsWith("secondaryAggregation.")) ? ["secondaryAggregation"] : []),
    ...(textOf(query.orderBy) === "" ? [] : ["orderBy"]),
  ];
  if (unserved.length > 0) throw new ApiError("UNIMPLEMENTED", `Not served by this cloud: ${unserved.join(", ")}.`);
  return { filter, type, since, until, aligner, period: seconds * 1000, reducer, groupBy };
}

/** Filters may say `label` as well as `labels`. */
function labelled({ metric, resource }: Event, type: string, also?: "label"): JsonObject {
  const labels = isObject(resource.labels) ? resource.labels : {};
  return {
    metric: { type, labels: metric, ...(also && { label: metric }) },
    resource: { ...resource, labels, ...(also && { label: labels }) },
  };
}

const keyOf = (value: Json) => JSON.stringify(value);

function gathered(events: readonly Event[], { type }: Asked, step: number): Map<string, Series> {
  const all = new Map<string, Series>();
  for (const event of events) {
    const own = labelled(event, type);
    const series = all.get(keyOf(own)) ?? { labelled: own, points: new Map() };
    all.set(keyOf(own), series);
    const end = (Math.floor(event.at / step) + 1) * step;
    series.points.set(end, [sum([...(series.points.get(end) ?? []), event.value])]);
  }
  return all;
}

/** Periods end at the end of the interval and before it. */
function align(all: Map<string, Series>, { aligner, period, until }: Asked): Map<string, Series> {
  const fold = FOLDS[aligner.replace("ALIGN_", "")] ?? ((values) => sum(values) / (period / 1000));
  return mapped(all, ({ labelled: own, points }) => {
    const periods = new Map<number, number[]>();
    for (const [end, [value = 0]] of points) {
      const aligned = until - Math.floor((until - Math.min(end, until)) / period) * period;
      periods.set(aligned, [...(periods.get(aligned) ?? []), value]);
    }
    return { labelled: own, points: mapped(periods, (values) => [fold(values)]) };
  });
}

function reduce(all: Map<string, Series>, { reducer, groupBy }: Asked): Map<string, Series> {
  const groups = new Map<string, Series>();
  for (const { labelled: own, points } of all.values()) {
    const kept = keptOf(own, groupBy);
    const group = groups.get(keyOf(kept)) ?? { labelled: kept, points: new Map() };
    groups.set(keyOf(kept), group);
    for (const [end, values] of points) group.points.set(end, [...(group.points.get(end) ?? []), ...values]);
  }
  const fold = FOLDS[reducer.replace("REDUCE_", "")]!;
  return mapped(groups, (group) => ({ ...group, points: mapped(group.points, (values) => [fold(values)]) }));
}

/** A series of several keeps the types and the labels by which it is grouped. */
function keptOf(own: JsonObject, groupBy: readonly string[]): JsonObject {
  const kept = (part: "metric" | "resource"): JsonObject => {
    const { type, labels } = own[part] as JsonObject;
    const names = groupBy.filter((field) => field.startsWith(`${part}.label`)).map((field) => field.split(".")[2]!);
    const known = Object.entries(labels as JsonObject).filter(([name]) => names.includes(name));
    return { type: type!, labels: Object.fromEntries(known) };
  };
  return { metric: kept("metric"), resource: kept("resource") };
}

/** The newest point first. */
function answered({ labelled: own, points }: Series, { aligner, reducer, period }: Asked): JsonObject {
  const isWhole = !["ALIGN_RATE", "ALIGN_MEAN"].includes(aligner) && reducer !== "REDUCE_MEAN";
  const metricKind =
    ["ALIGN_NONE", "ALIGN_DELTA", "ALIGN_SUM"].includes(aligner) && reducer !== "REDUCE_MEAN" ? "DELTA" : "GAUGE";
  const length = aligner === "ALIGN_NONE" ? MINUTE : period;
  const newest = [...points].sort(([a], [b]) => b - a);
  return {
    ...own,
    ...{ metricKind, valueType: isWhole ? "INT64" : "DOUBLE" },
    points: newest.map(([end, [value = 0]]) => ({
      interval: {
        startTime: new Date(metricKind === "GAUGE" ? end : end - length).toISOString(),
        endTime: new Date(end).toISOString(),
      },
      value: valueOf(value, isWhole),
    })),
  };
}

const valueOf = (value: number, isWhole: boolean): JsonObject =>
  isWhole ? { int64Value: String(value) } : { doubleValue: value };

const mapped = <K, A, B>(all: Map<K, A>, change: (value: A) => B): Map<K, B> =>
  new Map([...all].map(([key, value]) => [key, change(value)]));
