/**
 * CALL of a stored procedure that runs Spark. The query job is the engine's; its Spark runs as a batch does, as the
 * account of the procedure's connection, and tells the job its end (spark-ends.ts).
 * Source: https://cloud.google.com/bigquery/docs/spark-procedures
 */
import { randomUUID } from "node:crypto";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../service";
import {
  cancelSparkJob,
  checkSparkJob,
  removeSparkJob,
  scheduleSparkJobs,
  type SparkJob,
  storeSparkJob,
} from "../dataproc/spark-jobs";
import { requireStored } from "../references";
import { callEngine } from "./engine-call";
import { ensureJob } from "./spark-ends";

/** What the engine finds in a request that calls a Spark procedure. */
interface Found extends JsonObject {
  /** As `jobs.insert` takes it, with the job's id. */
  request: JsonObject;
  routine: JsonObject;
  /** Each parameter's argument as JSON. */
  arguments: Record<string, string>;
}

/** Runs calls of Spark procedures; all other jobs are left to `behaviour`. */
export const callsProcedures =
  (behaviour: Behaviour): Behaviour =>
  async (given, cloud) => {
    if (!mayCall(given.body)) return behaviour(given, cloud);
    const isQuery = given.methodId === "bigquery.jobs.query";
    // By its id the engine knows the job of a query again.
    const requestId = given.body.requestId ?? randomUUID();
    const call = isQuery ? { ...given, body: { ...given.body, requestId } } : given;
    const found = (await callEngine(cloud, { ...call, methodId: "spark.calls.find" })) as Found;
    if (!isObject(found.request)) return behaviour(given, cloud);
    const { jobId, location } = found.request.jobReference as JsonObject;
    const job = { ...call.path, jobId: textOf(jobId) };
    const isNew = await cloud.store.exclusive(`bigquery/calls/${textOf(jobId)}`, async () => {
      if (await jobOf(call, job, cloud)) return false;
      await start(found, call, cloud);
      return true;
    });
    if (isNew) scheduleSparkJobs(cloud);
    // A job that was there already is the engine's to answer: a query's result, or the refusal of a second one.
    if (isQuery || !isNew) return callEngine(cloud, call);
    return callEngine(cloud, {
      ...call,
      methodId: "bigquery.jobs.get",
      path: job,
      query: { location: textOf(location) },
    });
  };

export const cancelsProcedures =
  (behaviour: Behaviour): Behaviour =>
  async (call, cloud) => {
    await cancelSparkJob(textOf(call.path.jobId), `User requested cancellation (${call.principal.email}).`, cloud);
    return behaviour(call, cloud);
  };

/** With a job goes what its Spark left, but for the log in the staging bucket. */
export const deletesProcedures =
  (behaviour: Behaviour): Behaviour =>
  async (call, cloud) => {
    const job = await jobOf(call, call.path, cloud);
    const answer = await behaviour(call, cloud);
    const query = ((job?.statistics ?? {}) as JsonObject).query;
    const spark = isObject(query) ? query.sparkStatistics : undefined;
    if (isObject(spark)) {
      const place = `projects/${textOf(call.path.projectId)}/locations/${textOf(spark.sparkJobLocation)}`;
      await removeSparkJob(`${place}/sparkJobs/${textOf(spark.sparkJobId)}`, cloud);
    }
    return answer;
  };

/** Spares all other requests the engine's reading of their text. Uploads come without a body. */
function mayCall(body: JsonObject | undefined): boolean {
  const configuration = (body?.configuration ?? {}) as JsonObject;
  const query = isObject(configuration.query) ? configuration.query.query : body?.query;
  return /\bcall\b/i.test(textOf(query)) && body?.dryRun !== true && configuration.dryRun !== true;
}

async function jobOf(call: Call, path: Record<string, string>, cloud: Cloud): Promise<JsonObject | undefined> {
  const asked = { ...call, methodId: "bigquery.jobs.get", path, query: {} };
  return (await callEngine(cloud, asked).catch((error: unknown) => {
    if (error instanceof ApiError && error.http === 404) return undefined;
    throw error;
  })) as JsonObject | undefined;
}

/** The work is stored before its job: a job that runs has work that will end. */
async function start(found: Found, call: Call, cloud: Cloud): Promise<void> {
  const { request } = found;
  const project = call.path.projectId ?? cloud.project.id;
  try {
    const work = await workOf(found, cloud);
    checkSparkJob(work, cloud);
    const procedure = { project, caller: call.principal.email, request };
    const stored = await storeSparkJob({ ...work, call: procedure }, cloud);
    await ensureJob(cloud, procedure, stored);
  } catch (error) {
    if (!(error instanceof ApiError) || (error.http >= 500 && error.status !== "UNIMPLEMENTED")) throw error;
    const reason = error.status === "UNIMPLEMENTED" ? "notImplemented" : error.http === 404 ? "notFound" : "invalid";
    const body = { ...request, error: { reason, message: error.message } };
    await callEngine(cloud, { ...call, methodId: "bigquery.jobs.insert", query: {}, body });
  }
}

/** A procedure with its arguments as a batch's request. */
async function workOf({ routine, arguments: values }: Found, cloud: Cloud): Promise<Omit<SparkJob, "call">> {
  const options = routine.sparkOptions as JsonObject;
  refuseUnserved(routine);
  const name = textOf(options.connection);
  const connection = await requireStored(name, cloud);
  const { spark } = connection;
  if (!isObject(spark)) throw new ApiError("INVALID_ARGUMENT", `Connection ${name} is not of the type Spark.`);
  const variables = Object.entries(values).map(([parameter, value]) => [
    `spark.dataproc.driverEnv.BIGQUERY_PROC_PARAM.${parameter}`,
    value,
  ]);
  const { metastoreServiceConfig, sparkHistoryServerConfig } = spark;
  const metastore = isObject(metastoreServiceConfig) && metastoreServiceConfig.metastoreService;
  const program = textOf(routine.definitionBody);
  return {
    location: name.split("/")[3] ?? "",
    ...(program !== "" && { program }),
    sent: {
      pysparkBatch: fields(options, {
        ...{ mainFileUri: "mainPythonFileUri", pyFileUris: "pythonFileUris", jarUris: "jarFileUris" },
        ...{ fileUris: "fileUris", archiveUris: "archiveUris" },
      }),
      runtimeConfig: {
        ...fields(options, { runtimeVersion: "version", containerImage: "containerImage" }),
        properties: { ...((options.properties as JsonObject | undefined) ?? {}), ...Object.fromEntries(variables) },
      },
      environmentConfig: {
        executionConfig: { serviceAccount: textOf(spark.serviceAccountId) },
        peripheralsConfig: {
          ...(metastore && { metastoreService: metastore }),
          ...(isObject(sparkHistoryServerConfig) && { sparkHistoryServerConfig }),
        },
      },
    },
  };
}

function refuseUnserved({ language, securityMode, definitionBody, sparkOptions }: JsonObject): void {
  const refuse = (what: string) => {
    throw new ApiError("UNIMPLEMENTED", `${what} is not run here.`);
  };
  if (language !== "PYTHON") refuse(`A Spark procedure in ${textOf(language)} (language: expected PYTHON)`);
  if (securityMode === "INVOKER") refuse("A Spark procedure as its caller (securityMode: expected DEFINER)");
  const { mainFileUri } = sparkOptions as JsonObject;
  if ((textOf(definitionBody) === "") === (textOf(mainFileUri) === ""))
    throw new ApiError("INVALID_ARGUMENT", "Exactly one of definitionBody and sparkOptions.mainFileUri must be set.");
}

/** Those of an object's fields that are set, under other names. */
function fields(from: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const set = Object.entries(names).filter(([name]) => textOf(from[name]) !== "");
  return Object.fromEntries(set.map(([name, other]): [string, Json] => [other, from[name] ?? null]));
}
