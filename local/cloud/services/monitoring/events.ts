/** What time series are made of: what really happened in this cloud, by metric. */
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { hasEnded, listRuns, ROOT } from "../aiplatform/pipelines/run";
import { callEngine } from "../bigquery/engine-call";
import { OPERATOR } from "../../door/principals";
import { countsOfMetric } from "../logging/counts";

/** One thing that a metric of kind DELTA adds up. */
export interface Event {
  /** Milliseconds. */
  at: number;
  value: number;
  metric: Record<string, string>;
  resource: JsonObject;
}

type Source = (cloud: Cloud, since: number, until: number) => Promise<Event[]>;

const LOG_BASED = "logging.googleapis.com/user/";

/** Undefined for a metric that nothing here measures. */
export async function sourceOf(type: string, cloud: Cloud): Promise<Source | undefined> {
  if (!type.startsWith(LOG_BASED)) return SOURCES[type];
  const name = type.slice(LOG_BASED.length);
  if (!(await cloud.store.get(`projects/${cloud.project.id}/metrics/${name}`))) return undefined;
  return async () =>
    (await countsOfMetric(name, cloud)).map(({ minute, count, resource }) => ({
      ...{ at: Date.parse(minute), value: count, metric: {}, resource },
    }));
}

/** Labels and resources. Source: https://cloud.google.com/monitoring/api/metrics_gcp */
const SOURCES: Readonly<Record<string, Source>> = {
  "aiplatform.googleapis.com/pipelinejob/task_completed_count": async (cloud) => {
    const runs = await listRuns(cloud);
    return runs.flatMap(({ job, tasks }) => {
      const [, , , location = "", , id = ""] = job.split("/");
      const labels = { resource_container: cloud.project.number, location, pipeline_job_id: id };
      const resource = { type: "aiplatform.googleapis.com/PipelineJob", labels };
      const ended = Object.values(tasks).filter((task) => task.path !== ROOT && hasEnded(task) && task.endTime !== "");
      return ended.map(({ endTime, state }) => ({
        ...{ at: Date.parse(endTime), value: 1, metric: { status: state }, resource },
      }));
    });
  },
  "bigquery.googleapis.com/query/scanned_bytes_billed": async (cloud, since, until) => {
    const query = {
      allUsers: "true",
      projection: "full",
      minCreationTime: String(since),
      maxCreationTime: String(until),
    };
    const call = {
      methodId: "bigquery.jobs.list",
      path: { projectId: cloud.project.id },
      query: { ...query, maxResults: "1000" },
    };
    const { jobs = [] } = (await callEngine(cloud, { ...call, body: {}, principal: OPERATOR })) as {
      jobs?: JsonObject[];
    };
    const resource = { type: "global", labels: { project_id: cloud.project.id } };
    return jobs.flatMap(({ statistics, configuration }) => {
      const { endTime, query: ran } = statistics as JsonObject;
      const billed = Number((ran as JsonObject | undefined)?.totalBytesBilled ?? 0);
      if (endTime === undefined || billed === 0) return [];
      const priority =
        textOf(((configuration as JsonObject).query as JsonObject | undefined)?.priority) || "INTERACTIVE";
      return [{ at: Number(textOf(endTime)), value: billed, metric: { priority: priority.toLowerCase() }, resource }];
    });
  },
};

export const MEASURED = [...Object.keys(SOURCES), `${LOG_BASED}<log-based metric>`];
