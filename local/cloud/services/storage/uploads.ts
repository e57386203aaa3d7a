/**
 * objects.insert: media in one request (`uploadType=media`), metadata and media in one (`multipart`), or the start of a
 * resumable session. Source: docs "Upload objects", "Objects: insert".
 */
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

/** Two parts: JSON metadata, then media. The media streams to its file while it arrives. */
async function multipart({ request }: Exchange, blobs: Blobs) {
  const boundary = boundaryOf(request.headers["content-type"]);
  const parts: { metadata?: JsonObject; type?: string; received?: { path: string; sums: Required<Sums> } } = {};
  const work: Promise<void>[] = [];
  const parser = new Dicer({ boundary });
  const body = bodyOf(request);
  let count = 0;
  const done = new Promise<void>((resolve, reject) => {
    parser.on("part", (part) => {
      const index = count++;
      part.on("header", (header) => {
        const type = (header as Record<string, string[]>)["content-type"]?.[0];
        if (index === 1) parts.type = type;
      });
      const media = part;
      if (index === 0) work.push(jsonBody(media).then((metadata) => void (parts.metadata = metadata)));
      else if (index === 1) work.push(blobs.receive(media).then((received) => void (parts.received = received)));
      else work.push(Promise.reject(invalid("Invalid multipart request: got more than 2 parts.")));
      // A part that fails must end the whole request: the parser would wait for its reader for ever.
      work.at(-1)!.catch(reject);
    });
    parser.on("finish", resolve);
    parser.on("error", reject);
    body.on("error", (error) => {
      parser.destroy(error);
      reject(error);
    });
  });
  body.pipe(parser);
  try {
    await done;
    await Promise.all(work);
  } catch (error) {
    body.unpipe(parser);
    body.destroy();
    await Promise.allSettled(work);
    if (parts.received) await blobs.discard(parts.received.path);
    throw error;
  }
  if (!parts.metadata || !parts.received)
    throw invalid(`Invalid multipart request: got ${count} part(s); expected metadata and media.`);
  const type: JsonObject = parts.type === undefined ? {} : { contentType: parts.type };
  return { metadata: { ...type, ...parts.metadata }, incoming: parts.received.path, sums: parts.received.sums };
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
