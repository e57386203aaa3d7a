/** What Spark drivers print, as log entries: a line an entry, read from the bucket that it is copied to. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { SPARK_RESOURCE } from "../bigquery/spark-ends";
import { listObjects, readObject } from "../storage/objects";

/** Log4j's levels, as the drivers print them, in Logging's words. */
const LEVELS: Readonly<Record<string, string>> = { WARN: "WARNING", ERROR: "ERROR", FATAL: "CRITICAL", INFO: "INFO" };
const STAMPED = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}),(\d{3}) ([A-Z]+) /;

/** All batches, and the Spark behind stored procedures. */
export async function drivenWork(cloud: Cloud): Promise<JsonObject[]> {
  const stored = await cloud.store.list(`projects/${cloud.project.id}/locations/`);
  return stored.filter(({ key }) => /\/(batches|sparkJobs)\/[^/]+$/.test(key)).map(({ value }) => value);
}

/** What the driver of a batch has printed so far, its last line included though it may not be whole yet. */
export async function driverLines(batch: JsonObject, cloud: Cloud): Promise<JsonObject[]> {
  const { outputUri } = (batch.runtimeInfo ?? {}) as JsonObject;
  const [, bucket = "", prefix = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(textOf(outputUri)) ?? [];
  if (bucket === "") return [];
  const [, , , location = "", collection = "", id = ""] = textOf(batch.name).split("/");
  const output = await outputOf(cloud, bucket, prefix);
  const source = collection === "batches" ? batchSource(cloud, location, id) : procedureSource(cloud, location, id);
  // A line without a time of its own was printed no earlier than the one before it.
  let timestamp = textOf(batch.createTime);
  return output.flatMap((line, number) => {
    const [, day, time, thousandths, level = ""] = STAMPED.exec(line) ?? [];
    if (day) timestamp = `${day}T${time}.${thousandths}Z`;
    if (line === "") return [];
    return {
      ...source,
      ...{ timestamp, receiveTimestamp: timestamp, severity: LEVELS[level] ?? "DEFAULT", textPayload: line },
      insertId: `${textOf(batch.uuid)}-${String(number).padStart(9, "0")}`,
    };
  });
}

export const batchResource = (project: string, location: string, id: string) => ({
  type: "cloud_dataproc_batch",
  labels: { project_id: project, location, batch_id: id },
});

const batchSource = ({ project }: Cloud, location: string, id: string) => ({
  logName: `projects/${project.id}/logs/dataproc.googleapis.com%2Foutput`,
  resource: batchResource(project.id, location, id),
});

/** Source: https://cloud.google.com/bigquery/docs/spark-procedures */
const procedureSource = ({ project }: Cloud, location: string, id: string) => ({
  logName: `projects/${project.id}/logs/bigquery.googleapis.com%2Fspark_driver`,
  resource: { type: SPARK_RESOURCE, labels: { resource_container: project.id, location, spark_job_id: id } },
  labels: { component: "DRIVER" },
});

async function outputOf(cloud: Cloud, bucket: string, prefix: string): Promise<string[]> {
  try {
    const parts = await listObjects(cloud, bucket, `${prefix}.`);
    const texts = parts.map(async ({ name }) => {
      const { stream } = await readObject(cloud, bucket, name);
      return Buffer.concat((await stream.toArray()) as Buffer[]).toString("utf8");
    });
    return (await Promise.all(texts)).join("").split("\n");
  } catch (error) {
    // Who deletes the bucket deletes the output in it.
    if (error instanceof ApiError && error.status === "NOT_FOUND") return [];
    throw error;
  }
}
