/** Load jobs whose file comes with the request: multipart, and resumable in chunks. */
import { createWriteStream } from "node:fs";
import { link, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { HANDLED, type Call, type Json, type JsonObject, type Undescribed } from "../../service";
import { appendChunk, keepGranules, rangeOfChunk, sizeOf } from "../storage/chunks";
import { bodyOf, type Exchange, jsonBody, target, writeEmpty, writeJson } from "../storage/http";
import { callEngine } from "./engine-call";
import { partsOf } from "../storage/multipart";
import { requireData } from "./job-data";
import { loadOf, startLoad } from "./load-jobs";
import { newIncoming } from "./sources";
import { endSession, findSession, newSession, type UploadSession } from "./upload-sessions";

/** `POST /upload/bigquery/v2/projects/P/jobs`. */
export async function receiveUpload(call: Call, cloud: Cloud): Promise<Json | typeof HANDLED> {
  const http = call.http!;
  const { query, path } = target(http.request);
  if (query.uploadType === "multipart") return multipart(call, cloud, http);
  if (query.uploadType !== "resumable")
    throw invalid(`Upload type: got ${query.uploadType ?? "none"}; expected multipart or resumable.`);
  const job = cleaned(await jsonBody(bodyOf(http.request)));
  await requireData(call, job, cloud);
  const session = await newSession(cloud, { job, path: call.path, principal: call.principal });
  const location = new URL(`https://${call.host}${path}`);
  location.searchParams.set("uploadType", "resumable");
  location.searchParams.set("upload_id", session.id);
  writeEmpty(http.response, 200, { location: location.href, "x-guploader-uploadid": session.id });
  return HANDLED;
}

/** The requests that follow the first one of a resumable upload; true if this was one. */
export async function continueUpload({ http, principal }: Undescribed, cloud: Cloud): Promise<boolean> {
  const { query, path } = target(http.request);
  if (!/^\/(resumable\/)?upload\/bigquery\/v2\//.test(path) || http.request.method !== "PUT") return false;
  if (!query.upload_id) throw invalid("Required parameter: upload_id");
  const id = query.upload_id;
  await cloud.store.exclusive(`bigquery/uploads/${id}`, async () => {
    const session = await findSession(cloud, id, principal);
    if (session.done) {
      http.request.resume();
      return writeJson(http.response, 200, await startedJob(cloud, session));
    }
    const persisted = await sizeOf(session.file);
    const range = rangeOfChunk(http.request.headers["content-range"]);
    if (range.first === "query") {
      http.request.resume();
      if (persisted === range.total) await finish(cloud, session, http);
      else writeProgress(http, persisted);
      return;
    }
    if (range.first > persisted)
      throw invalid(`Upload offset ${range.first} is beyond the ${persisted} bytes received.`);
    const { size } = await appendChunk(session.file, http, { skip: persisted - range.first, persisted });
    if (range.end === undefined || size === range.total) await finish(cloud, session, http);
    else writeProgress(http, await keepGranules(session.file, persisted, size));
  });
  return true;
}

/** The bytes stay with the session until its job is started: whatever ends the cloud in between, the client can go on. */
async function finish(cloud: Cloud, session: UploadSession, http: Exchange): Promise<void> {
  const path = await newIncoming(cloud, "");
  const size = await sizeOf(session.file);
  // An upload without a byte has no file yet.
  if (size === 0) await pipeline(Readable.from([]), createWriteStream(path));
  else await link(session.file, path);
  const files = [{ uri: "upload", path, size, temporary: true }];
  const job = await startLoad(cloud, session, session.job, { files }).catch(async (error: unknown) => {
    await rm(path, { force: true });
    if (!(error instanceof ApiError) || error.status !== "ALREADY_EXISTS") throw error;
    const job = await startedJob(cloud, session);
    // A job of that name from before the session is another's.
    if (Number((job.statistics as JsonObject).creationTime) < Date.parse(session.startedAt)) throw error;
    return job;
  });
  await endSession(cloud, session);
  writeJson(http.response, 200, job);
}

/** The job of a session whose client did not get the answer. */
async function startedJob(cloud: Cloud, { job, path, principal }: UploadSession): Promise<JsonObject> {
  const { jobId } = job.jobReference as { jobId: string };
  const call = { methodId: "bigquery.jobs.get", path: { ...path, jobId }, principal, query: {}, body: {} };
  return (await callEngine(cloud, call)) as JsonObject;
}

function writeProgress(http: Exchange, persisted: number): void {
  writeEmpty(http.response, 308, persisted > 0 ? { range: `bytes=0-${persisted - 1}` } : {});
}

async function multipart(call: Call, cloud: Cloud, { request }: Exchange): Promise<Json> {
  const path = await newIncoming(cloud, "");
  try {
    const { job, size } = await readParts(bodyOf(request), request.headers["content-type"], path);
    await requireData(call, job, cloud);
    return await startLoad(cloud, call, job, { files: [{ uri: "upload", path, size, temporary: true }] });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** Two parts: the job as JSON, then the file, which streams to disk while it arrives. */
async function readParts(body: Readable, contentType: string | undefined, path: string) {
  let job: JsonObject = {};
  let count = 0;
  for await (const part of partsOf(contentType, body as AsyncIterable<Buffer>)) {
    count += 1;
    if (count === 1) job = cleaned(await jsonBody(part.body));
    if (count === 2) await pipeline(part.body, createWriteStream(path, { flush: true }));
  }
  if (count !== 2) throw invalid(`Invalid multipart request: got ${count} part(s); expected 2, the job and the file.`);
  return { job, size: await sizeOf(path) };
}

/** `@google-cloud/bigquery` says the job's location a second time where the description has no field for it. */
function cleaned(job: JsonObject): JsonObject {
  const { location: _, ...load } = loadOf(job) ?? {};
  return { ...job, configuration: { ...(job.configuration as JsonObject), load } };
}

const invalid = (message: string) => new ApiError("INVALID_ARGUMENT", message, [], 400, "invalid");
