/** The end of a stored procedure's Spark, told to the query job that called it. Repeatable, if the cloud dies in it. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { JsonObject, Principal } from "../../service";
import type { ProcedureCall } from "../dataproc/batch-runs";
import { callEngine } from "./engine-call";

/** Monitored resource of the log entries that a procedure's driver prints. */
export const SPARK_RESOURCE = "bigquery.googleapis.com/SparkJob";

/** The query job, running until its end is told. One that is there already stays as it is. */
export async function ensureJob(cloud: Cloud, { project, caller, request }: ProcedureCall, spark: JsonObject) {
  const body = { ...request, spark: statistics(cloud, spark) };
  await ask(cloud, "bigquery.jobs.insert", project, caller, body).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.http !== 409) throw error;
  });
}

/** @param spark the ended work, in one of a batch's last states */
export async function endCall(cloud: Cloud, call: ProcedureCall, spark: JsonObject): Promise<void> {
  // A cloud that was killed may have stored the work and not the job yet.
  await ensureJob(cloud, call, spark);
  const jobId = textOf((call.request.jobReference as JsonObject).jobId);
  const error = errorOf(spark);
  await ask(cloud, "spark.calls.end", call.project, call.caller, { jobId, ...(error && { error }) });
}

function errorOf({ state, stateMessage }: JsonObject): JsonObject | undefined {
  if (state === "SUCCEEDED") return undefined;
  if (state === "CANCELLED")
    return { reason: "stopped", message: `Job execution was cancelled: ${textOf(stateMessage)}` };
  return { reason: "invalidQuery", message: `Spark procedure failed: ${textOf(stateMessage)}`, location: "query" };
}

/** Source: schema SparkStatistics. A CALL reads nothing itself; what Spark reads are queries and sessions of its own. */
function statistics(cloud: Cloud, { name }: JsonObject): JsonObject {
  const [, , , location = "", , id = ""] = textOf(name).split("/");
  return {
    ...{ statementType: "CALL", totalBytesProcessed: "0", cacheHit: false },
    sparkStatistics: {
      ...{ sparkJobId: id, sparkJobLocation: location },
      loggingInfo: { resourceType: SPARK_RESOURCE, projectId: cloud.project.id },
    },
  };
}

function ask(cloud: Cloud, methodId: string, projectId: string, caller: string, body: JsonObject) {
  const principal: Principal = { kind: "user", email: caller, via: "none" };
  return callEngine(cloud, { methodId, path: { projectId }, query: {}, body, principal });
}
