/** Load jobs whose file comes with the request: multipart, and resumable in chunks. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { MIMEType } from "node:util";
import { Dicer } from "@fastify/busboy";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { HANDLED, type Call, type Json, type JsonObject, type Undescribed } from "../../service";
import { appendChunk, keepGranules, rangeOfChunk, sizeOf } from "../storage/chunks";
import { bodyOf, type Exchange, jsonBody, target, writeEmpty, writeJson } from "../storage/http";
import { loadOf, startLoad } from "./load-jobs";
import { newIncoming } from "./sources";
import { findSession, newSession, removeSession, type UploadSession } from "./upload-sessions";

/** `POST /upload/bigquery/v2/projects/P/jobs`. */
export async function receiveUpload(call: Call, cloud: Cloud): Promise<Json | typeof HANDLED> {
  const http = call.http!;
  const { query, path } = target(http.request);
  if (query.uploadType === "multipart") return multipart(call, cloud, http);
  if (query.uploadType !== "resumable")
    throw invalid(`Upload type: got ${query.uploadType ?? "none"}; expected multipart or resumable.`);
  const job = cleaned(await jsonBody(bodyOf(http.request)));
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

async function finish(cloud: Cloud, session: UploadSession, http: Exchange): Promise<void> {
  const path = await newIncoming(cloud, "");
  const size = await sizeOf(session.file);
  // An upload without a byte has no file yet.
  if (size === 0) await pipeline(Readable.from([]), createWriteStream(path));
  else await rename(session.file, path);
  await removeSession(cloud, session.id);
  const files = [{ uri: "upload", path, size, temporary: true }];
  writeJson(http.response, 200, await startLoad(cloud, session, session.job, { files }));
}

function writeProgress(http: Exchange, persisted: number): void {
  writeEmpty(http.response, 308, persisted > 0 ? { range: `bytes=0-${persisted - 1}` } : {});
}

async function multipart(call: Call, cloud: Cloud, { request }: Exchange): Promise<Json> {
  const path = await newIncoming(cloud, "");
  try {
    const { job, size } = await readParts(bodyOf(request), request.headers["content-type"], path);
    return await startLoad(cloud, call, job, { files: [{ uri: "upload", path, size, temporary: true }] });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** Two parts: the job as JSON, then the file, which streams to disk while it arrives. */
function readParts(body: Readable, contentType: string | undefined, path: string) {
  return new Promise<{ job: JsonObject; size: number }>((resolve, reject) => {
    const parser = new Dicer({ boundary: boundaryOf(contentType) });
    const parts: Promise<unknown>[] = [];
    const fail = (error: Error) => {
      body.unpipe(parser);
      body.resume();
      reject(error instanceof ApiError ? error : invalid(`Invalid multipart request: ${error.message}.`));
    };
    parser.on("part", (part) => {
      const stream = part;
      const read = parts.length === 0 ? jsonBody(stream) : pipeline(stream, createWriteStream(path, { flush: true }));
      read.catch(fail);
      parts.push(read);
    });
    parser.on("error", fail);
    body.on("error", fail);
    parser.on("finish", () => {
      if (parts.length !== 2)
        return fail(invalid(`Invalid multipart request: got ${parts.length} part(s); expected 2.`));
      Promise.all(parts).then(
        async ([job]) => resolve({ job: cleaned(job as JsonObject), size: await sizeOf(path) }),
        fail,
      );
    });
    body.pipe(parser);
  });
}

/** `@google-cloud/bigquery` says the job's location a second time where the description has no field for it. */
function cleaned(job: JsonObject): JsonObject {
  const { location: _, ...load } = loadOf(job) ?? {};
  return { ...job, configuration: { ...(job.configuration as JsonObject), load } };
}

function boundaryOf(contentType: string | undefined): string {
  const boundary = /^multipart\//i.test(contentType ?? "") ? new MIMEType(contentType!).params.get("boundary") : null;
  if (!boundary)
    throw invalid(`Content type: got ${contentType ?? "none"}; expected multipart/related with a boundary.`);
  return boundary;
}

const invalid = (message: string) => new ApiError("INVALID_ARGUMENT", message, [], 400, "invalid");
