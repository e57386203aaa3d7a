/**
 * Resumable upload sessions: durable from the first answer on, so that a client goes on after this cloud was killed.
 * Source: docs "Resumable uploads" and "Perform resumable uploads".
 */
import { randomBytes } from "node:crypto";
import { truncate } from "node:fs/promises";
import type { Cloud } from "../../cloud";
import type { Call, JsonObject } from "../../service";
import { ApiError } from "../../errors";
import { explain, gone, invalid, required } from "./answers";
import { checkSums, type ExpectedSums, type Sums, sumsOfHeader } from "./checksums";
import { appendChunk, keepGranules, rangeOfChunk, sizeOf, sumsOfFile } from "./chunks";
import { makeLive } from "./generations";
import { requireReplacing } from "./guard";
import { bodyOf, type Exchange, jsonBody, target, writeEmpty, writeJson } from "./http";
import { checkObjectName, expectedOf, withEncoding, writable } from "./object-resource";
import { checkConditions, type Conditions, conditionsOf } from "./preconditions";
import { blobsOf, findBucket, liveObject, uploadKey } from "./records";

/** A session lives for a week. */
export const SESSION_MS = 7 * 86400 * 1000;

export interface Session extends JsonObject {
  id: string;
  bucket: string;
  name: string;
  metadata: JsonObject;
  expected: ExpectedSums & JsonObject;
  conditions: Conditions & JsonObject;
  /** Bytes in all, if the client said so at the start. */
  total: number | null;
  startedAt: string;
  /** The finished object: a repeated last request gets the same answer. */
  object: JsonObject | null;
}

export async function startSession(start: {
  cloud: Cloud;
  call: Call;
  http: Exchange;
  query: Record<string, string>;
}): Promise<void> {
  const { cloud, call, http, query } = start;
  const bucket = call.path.bucket!;
  const { headers } = http.request;
  const body = await jsonBody(bodyOf(http.request) as AsyncIterable<Buffer>);
  const name = query.name ?? body.name;
  if (name === undefined) throw required("Required parameter: name");
  checkObjectName(name);
  await requireReplacing(call, name, cloud);
  const type = headers["x-upload-content-type"];
  const metadata = { ...(typeof type === "string" ? { contentType: type } : {}), ...withEncoding(body, query) };
  const length = headers["x-upload-content-length"];
  const conditions = conditionsOf(query);
  // Checked here to fail early, and again when the object becomes live.
  checkConditions(conditions, await liveObject(cloud.store, await findBucket(cloud.store, bucket), name), "write");
  const session: Session = {
    id: randomBytes(32).toString("base64url"),
    bucket,
    name,
    metadata: writable(metadata),
    expected: { ...expectedOf(body) },
    conditions: { ...conditions },
    total: length === undefined ? null : wholeNumber(String(length), "X-Upload-Content-Length"),
    startedAt: cloud.now().toISOString(),
    object: null,
  };
  await cloud.store.write({ put: { [uploadKey(session.id)]: session } });
  // The client follows this address on the host that it asked; that is always served over TLS.
  const location = new URL(`https://${call.host}${target(http.request).path}`);
  for (const [key, value] of Object.entries({ ...query, uploadType: "resumable", name, upload_id: session.id }))
    location.searchParams.set(key, value);
  writeEmpty(http.response, 200, { location: location.href, "x-guploader-uploadid": session.id });
}

/** PUT (or POST) on a session: a chunk, the last chunk, or the question how far it got. */
export async function continueSession(cloud: Cloud, id: string, http: Exchange): Promise<void> {
  await cloud.store.exclusive(uploadKey(id), async () => {
    const session = await findSession(cloud, id);
    if (session.object) return answerObject(http, session.object);
    const path = blobsOf(cloud).incoming(id);
    const persisted = await sizeOf(path);
    const range = rangeOfChunk(http.request.headers["content-range"]);
    if (session.total !== null && range.total !== null && range.total !== session.total)
      throw invalid(
        `Invalid request. The total size changed: got ${range.total}; the session began with ${session.total}.`,
      );
    if (range.first === "query") {
      http.request.resume();
      return persisted === range.total ? finish({ cloud, session, path, http }) : answerProgress(http, persisted);
    }
    if (range.first > persisted)
      throw new ApiError(
        "UNAVAILABLE",
        `Invalid request. According to the Content-Range header, the upload offset is ${range.first} byte(s), which exceeds already uploaded size of ${persisted} byte(s).`,
        [],
        503,
        "backendError",
      );
    const { size, sums } = await appendChunk(path, http, { skip: persisted - range.first, persisted }).catch(
      async (error: unknown) => {
        // On a full disk the session's own bytes are the first to make room.
        if (error instanceof ApiError && error.status === "RESOURCE_EXHAUSTED") await endSession(cloud, id);
        throw error;
      },
    );
    const total = range.total ?? session.total;
    const expected = range.end === undefined ? total : Math.max(persisted, range.end);
    if (expected !== null && size !== expected) {
      await truncate(path, persisted);
      throw invalid(
        `Invalid request. The upload has ${size} byte(s); there should have been ${expected} byte(s) according to the Content-Range header.`,
      );
    }
    if (range.end === undefined || size === total) return finish({ cloud, session, path, http, sums });
    return answerProgress(http, await keepGranules(path, persisted, size));
  });
}

/** DELETE on a session. Source: docs "Perform resumable uploads", "Cancel an upload": status 499. */
export async function cancelSession(cloud: Cloud, id: string, http: Exchange): Promise<void> {
  await cloud.store.exclusive(uploadKey(id), async () => {
    await findSession(cloud, id);
    await endSession(cloud, id);
  });
  writeEmpty(http.response, 499);
}

/** Forgets a session with its bytes; the bytes first, so that a full disk can take the record's removal. */
async function endSession(cloud: Cloud, id: string): Promise<void> {
  await blobsOf(cloud).discard(blobsOf(cloud).incoming(id));
  await cloud.store.write({ delete: [uploadKey(id)] });
}

async function findSession(cloud: Cloud, id: string): Promise<Session> {
  const session = (await cloud.store.get(uploadKey(id))) as Session | undefined;
  if (!session) throw new ApiError("NOT_FOUND", `No such upload session: ${id}`, [], 404, "notFound");
  if (Date.parse(session.startedAt) + SESSION_MS < cloud.now().getTime())
    throw gone(`The upload session ${id} has expired; start a new one.`);
  return session;
}

async function finish(end: {
  cloud: Cloud;
  session: Session;
  path: string;
  http: Exchange;
  sums?: Sums;
}): Promise<void> {
  const { cloud, session, path, http } = end;
  try {
    const sums = end.sums ?? (await sumsOfFile(path));
    checkSums(sums, { ...session.expected, ...sumsOfHeader(http.request.headers["x-goog-hash"]) });
    const object = await makeLive(cloud, {
      bucket: session.bucket,
      name: session.name,
      metadata: session.metadata,
      incoming: path,
      sums,
      conditions: session.conditions,
      also: (finished) => ({ put: { [uploadKey(session.id)]: { ...session, object: finished } } }),
    });
    answerObject(http, object);
  } catch (error) {
    // A refused upload is over, and its bytes go.
    if (error instanceof ApiError) await endSession(cloud, session.id);
    explain(error);
  }
}

function answerObject(http: Exchange, object: JsonObject): void {
  http.request.resume();
  writeJson(http.response, 200, object);
}

/** 308 with what is there. Google's Go clients ask for 200 with the real status in a header, as some proxies eat 308. */
function answerProgress(http: Exchange, persisted: number): void {
  const headers: Record<string, string> = persisted > 0 ? { range: `bytes=0-${persisted - 1}` } : {};
  if (http.request.headers["x-guploader-no-308"] === "yes")
    return writeEmpty(http.response, 200, { ...headers, "x-http-status-code-override": "308" });
  writeEmpty(http.response, 308, headers);
}

function wholeNumber(value: string, what: string): number {
  if (!/^\d+$/.test(value)) throw invalid(`Invalid value for ${what}: ${value}`);
  return Number(value);
}
