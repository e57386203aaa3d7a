/**
 * objects.insert: media in one request (`uploadType=media`), metadata and media in one (`multipart`), or the start of a
 * resumable session. Source: docs "Upload objects", "Objects: insert".
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { MIMEType } from "node:util";
import { Dicer } from "@fastify/busboy";
import type { Cloud } from "../../cloud";
import { type Behaviour, type Call, HANDLED, type JsonObject } from "../../service";
import { explain, invalid, required, unimplemented } from "./answers";
import type { Blobs } from "./blobs";
import { checkSums, type ExpectedSums, type Sums, sumsOfHeader } from "./checksums";
import { makeLive } from "./generations";
import { bodyOf, type Exchange, jsonBody, one } from "./http";
import { expectedOf, refuseUnsupported, withEncoding, writable } from "./object-resource";
import { conditionsOf } from "./preconditions";
import { blobsOf, findBucket } from "./records";
import { startSession } from "./resumable";

export const insertObject: Behaviour = async (call, cloud) => {
  if (!call.http) throw unimplemented("An upload without HTTP");
  const bucket = await findBucket(cloud.store, call.path.bucket!);
  refuseUnsupported(call.http, call.query, bucket);
  const type = one(call, "uploadType");
  if (type === "resumable") {
    await startSession({ cloud, host: call.host, http: call.http, bucket: call.path.bucket!, query: flat(call) });
    return HANDLED;
  }
  if (type !== "media" && type !== "multipart")
    throw invalid(`Invalid upload type: ${type ?? "none"}; expected media, multipart or resumable.`);
  const { metadata, incoming, sums } = await (type === "media" ? simple : multipart)(call.http, blobsOf(cloud)).catch(
    explain,
  );
  const expected: ExpectedSums = { ...expectedOf(metadata), ...sumsOfHeader(call.http.request.headers["x-goog-hash"]) };
  return commit({ cloud, call, metadata, incoming, sums, expected });
};

async function commit(upload: {
  cloud: Cloud;
  call: Call;
  metadata: JsonObject;
  incoming: string;
  sums: Sums;
  expected: ExpectedSums;
}): Promise<JsonObject> {
  const { cloud, call, metadata, incoming, sums } = upload;
  try {
    checkSums(sums, upload.expected);
    const name = one(call, "name") ?? metadata.name;
    if (typeof name !== "string") throw required("Required parameter: name");
    const fields = writable(withEncoding(metadata, call.query));
    const conditions = conditionsOf(call.query);
    return await makeLive(cloud, {
      bucket: call.path.bucket!,
      name,
      metadata: fields,
      incoming,
      sums,
      conditions,
    }).catch(explain);
  } finally {
    await blobsOf(cloud).discard(incoming);
  }
}

/** The body is the media; its type is the object's. */
async function simple({ request }: Exchange, blobs: Blobs) {
  const { path, sums } = await blobs.receive(bodyOf(request));
  const type = request.headers["content-type"];
  return { metadata: (type === undefined ? {} : { contentType: type }) as JsonObject, incoming: path, sums };
}

interface Parts {
  count: number;
  metadata?: JsonObject;
  type?: string;
  received?: { path: string; sums: Required<Sums> };
}

/** Two parts: JSON metadata, then media. The media streams to its file while it arrives. */
async function multipart({ request }: Exchange, blobs: Blobs) {
  const parts: Parts = { count: 0 };
  await readParts(request, parts, blobs).catch(async (error: unknown) => {
    if (parts.received) await blobs.discard(parts.received.path);
    throw error;
  });
  const { metadata, received, count } = parts;
  if (!metadata || !received)
    throw invalid(`Invalid multipart request: got ${count} part(s); expected metadata and media.`);
  const type: JsonObject = parts.type === undefined ? {} : { contentType: parts.type };
  return { metadata: { ...type, ...metadata }, incoming: received.path, sums: received.sums };
}

/** Resolves when all parts are read; on failure when none is read any more. */
async function readParts(request: IncomingMessage, parts: Parts, blobs: Blobs): Promise<void> {
  const parser = new Dicer({ boundary: boundaryOf(request.headers["content-type"]) });
  const body = bodyOf(request);
  const open: { stream: Readable; work: Promise<void> }[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      parser.on("part", (part) => {
        const stream = part;
        const index = parts.count++;
        // The parser knows a broken body by an error on itself and on its part: the first one counts.
        stream.on("error", reject);
        part.on("header", (header) => {
          if (index === 1) parts.type = (header as Record<string, string[]>)["content-type"]?.[0];
        });
        const work = readPart(stream, index, parts, blobs);
        work.catch(reject);
        open.push({ stream, work });
      });
      parser.on("finish", resolve);
      parser.on("error", (error: Error) => reject(invalid(`Invalid multipart request: ${error.message}.`)));
      body.on("error", reject);
      body.pipe(parser);
    });
    await Promise.all(open.map(({ work }) => work));
  } catch (error) {
    body.unpipe(parser);
    body.resume();
    for (const { stream } of open) stream.destroy(error as Error);
    await Promise.allSettled(open.map(({ work }) => work));
    throw error;
  }
}

async function readPart(stream: Readable, index: number, parts: Parts, blobs: Blobs): Promise<void> {
  if (index === 0) parts.metadata = await jsonBody(stream);
  else if (index === 1) parts.received = await blobs.receive(stream);
  else throw invalid("Invalid multipart request: got more than 2 parts.");
}

function boundaryOf(contentType: string | undefined): string {
  let boundary: string | null = null;
  try {
    boundary = new MIMEType(contentType ?? "").params.get("boundary");
  } catch {
    // A malformed type is answered like one without a boundary.
  }
  if (!boundary)
    throw invalid(
      `Invalid multipart request: got content type ${contentType ?? "none"}; expected multipart/related with a boundary.`,
    );
  return boundary;
}

const flat = (call: Call): Record<string, string> =>
  Object.fromEntries(Object.keys(call.query).map((name) => [name, one(call, name)!]));
