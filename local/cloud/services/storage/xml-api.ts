/**
 * Reads by the XML API's paths, `GET https://storage.googleapis.com/<bucket>/<object>`, which some clients use for media;
 * its other methods are not implemented. Source: docs "XML API", "GET Object", "HTTP status and error codes for XML".
 */
import type { ServerResponse } from "node:http";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import type { Principal } from "../../service";
import { noObject, unimplemented } from "./answers";
import { sendMedia } from "./downloads";
import type { Exchange } from "./http";
import { checkConditions, checkTags } from "./preconditions";
import { requireRead } from "./guard";
import { findBucket, findGeneration } from "./records";
import type { Generation } from "./resources";

/** @param path as sent, still percent-encoded */
export async function serveXml(
  cloud: Cloud,
  { path, query, principal }: { path: string; query: Record<string, string>; principal: Principal },
  http: Exchange,
): Promise<void> {
  try {
    const [bucketName = "", ...rest] = path.slice(1).split("/").map(decodeURIComponent);
    const name = rest.join("/");
    if (!["GET", "HEAD"].includes(http.request.method ?? "") || name === "")
      throw unimplemented("This method of the XML API");
    const bucket = await findBucket(cloud.store, bucketName);
    await requireRead(principal, bucketName, cloud);
    const found = await findGeneration(cloud.store, bucket, name, query.generation);
    if (!found) throw noObject(bucketName, name);
    checkHeaders(http, found.object);
    for (const [key, value] of Object.entries(found.object.metadata ?? {}))
      http.response.setHeader(`x-goog-meta-${key}`, value);
    await sendMedia(cloud, found.object, http);
  } catch (error) {
    if (!(error instanceof ApiError) || http.response.headersSent) throw error;
    writeError(http.response, error);
  }
}

/** The XML API has its generation conditions in headers. */
function checkHeaders({ request }: Exchange, object: Generation): void {
  const value = (name: string) => request.headers[name]?.toString();
  checkConditions(
    {
      generationMatch: value("x-goog-if-generation-match"),
      metagenerationMatch: value("x-goog-if-metageneration-match"),
    },
    object,
    "read",
  );
  checkTags(request.headers, object.etag, "read");
}

const CODES: Record<string, string> = {
  "The specified bucket does not exist.": "NoSuchBucket",
  conditionNotMet: "PreconditionFailed",
  notFound: "NoSuchKey",
  forbidden: "AccessDenied",
  requestedRangeNotSatisfiable: "InvalidRange",
  notImplemented: "NotImplemented",
};

function writeError(response: ServerResponse, error: ApiError): void {
  const code = CODES[error.message] ?? CODES[error.reason ?? ""] ?? "InvalidArgument";
  const text = error.message.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
  const body = `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>${text}</Message></Error>`;
  if (error.http === 304) return void response.writeHead(304).end();
  response.writeHead(error.http, {
    "content-type": "application/xml; charset=UTF-8",
    "content-length": String(Buffer.byteLength(body)),
  });
  response.end(body);
}
