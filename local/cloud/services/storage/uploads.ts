/**
 * objects.insert: media in one request (`uploadType=media`), metadata and media in one (`multipart`), or the start of a
 * resumable session. Source: docs "Upload objects", "Objects: insert".
 */
import { Readable } from "node:stream";
import type { Cloud } from "../../cloud";
import { type Behaviour, type Call, HANDLED, type JsonObject } from "../../service";
import { explain, invalid, required, unimplemented } from "./answers";
import type { Blobs } from "./blobs";
import { checkSums, type ExpectedSums, type Sums, sumsOfHeader } from "./checksums";
import { makeLive } from "./generations";
import { requireReplacing } from "./guard";
import { bodyOf, type Exchange, jsonBody, one } from "./http";
import { partsOf } from "./multipart";
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
    await startSession({ cloud, call, http: call.http, query: flat(call) });
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
    await requireReplacing(call, name, cloud);
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
  const body = bodyOf(request);
  let metadata: JsonObject | undefined;
  let media: { path: string; sums: Required<Sums> } | undefined;
  let count = 0;
  try {
    for await (const part of partsOf(request.headers["content-type"], body as AsyncIterable<Buffer>)) {
      count++;
      if (count === 1) metadata = await jsonBody(part.body);
      if (count > 2) throw invalid("Invalid multipart request: got more than 2 parts; expected metadata and media.");
      if (count < 2) continue;
      media = await blobs.receive(Readable.from(part.body, { objectMode: false }));
      const type = part.headers["content-type"];
      metadata = { ...(type === undefined ? {} : { contentType: type }), ...metadata };
    }
    if (!metadata || !media)
      throw invalid(`Invalid multipart request: got ${count} part(s); expected metadata and media.`);
    return { metadata, incoming: media.path, sums: media.sums };
  } catch (error) {
    if (media) await blobs.discard(media.path);
    throw error;
  }
}

const flat = (call: Call): Record<string, string> =>
  Object.fromEntries(Object.keys(call.query).map((name) => [name, one(call, name)!]));
