/**
 * Sends an object's bytes: whole, a range, or decompressed.
 * Source: docs "Downloading objects", "HTTP headers", "Transcoding of gzip-compressed files".
 */
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Cloud } from "../../cloud";
import type { Exchange } from "./http";
import { type ByteRange, rangeOf } from "./ranges";
import { blobsOf } from "./records";
import type { Generation } from "./resources";

/** The generation must have been found before; its record names the bytes. */
export async function sendMedia(cloud: Cloud, object: Generation, http: Exchange): Promise<void> {
  const { request, response } = http;
  const size = Number(object.size);
  const decompress = mustDecompress(object, request.headers["accept-encoding"]);
  const headers: Record<string, string> = {
    ...mediaHeaders(object),
    ...(decompress ? transcoded : { "accept-ranges": "bytes" }),
  };
  if (decompress) delete headers["content-encoding"];
  // A range of compressed bytes means nothing to a client that gets them decompressed: it is served whole.
  const range = decompress ? undefined : rangeOf(request.headers.range, size);
  if (!decompress) headers["content-length"] = String(range ? range.end - range.start + 1 : size);
  if (range) headers["content-range"] = `bytes ${range.start}-${range.end}/${size}`;
  const body = request.method === "HEAD" || size === 0 ? undefined : await opened(cloud, object, range);
  response.writeHead(range ? 206 : 200, headers);
  if (!body) return void response.end();
  await (decompress ? pipeline(body, createGunzip(), response) : pipeline(body, response)).catch(ignoreAbsentReader);
}

const transcoded = {
  "x-guploader-response-body-transformations": "gunzipped",
  warning: "214 UploadServer gunzipped",
  vary: "Accept-Encoding",
};

/** Stored compressed, and the client did not say that it takes gzip. `no-transform` forbids it. */
function mustDecompress(object: Generation, acceptEncoding: string | string[] | undefined): boolean {
  if (object.contentEncoding !== "gzip" || Number(object.size) === 0) return false;
  return !/\bgzip\b/.test(String(acceptEncoding)) && !/no-transform/.test(object.cacheControl ?? "");
}

function mediaHeaders(object: Generation): Record<string, string> {
  const headers: Record<string, string> = {
    "content-type": object.contentType ?? "application/octet-stream",
    "cache-control": object.cacheControl ?? "private, max-age=0",
    etag: object.etag,
    "last-modified": new Date(object.timeCreated).toUTCString(),
    "x-goog-generation": object.generation,
    "x-goog-metageneration": object.metageneration,
    "x-goog-storage-class": object.storageClass,
    "x-goog-stored-content-encoding": object.contentEncoding ?? "identity",
    "x-goog-stored-content-length": object.size,
    "x-goog-hash": [`crc32c=${object.crc32c}`, ...(object.md5Hash ? [`md5=${object.md5Hash}`] : [])].join(","),
  };
  if (object.contentEncoding) headers["content-encoding"] = object.contentEncoding;
  if (object.contentLanguage) headers["content-language"] = object.contentLanguage;
  if (object.contentDisposition) headers["content-disposition"] = object.contentDisposition;
  return headers;
}

/** Opened before the status is written: bytes deleted in between are an error answer, not a broken body. */
async function opened(cloud: Cloud, object: Generation, range: ByteRange | undefined): Promise<Readable> {
  const body = blobsOf(cloud).read(object.generation, range);
  await new Promise<void>((resolve, reject) => body.once("open", () => resolve()).once("error", reject));
  return body;
}

/** A client that stops reading is no fault of the service. */
function ignoreAbsentReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "ERR_STREAM_PREMATURE_CLOSE" && error.code !== "ECONNRESET" && error.code !== "EPIPE") throw error;
}
