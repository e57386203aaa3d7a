/** Small parts of HTTP that media handlers share: the request's target, its body, JSON answers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Call, Json, JsonObject } from "../../service";
import { clientClosed, invalid } from "./answers";

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

/** Path and query of a request; a parameter given twice keeps its last value. */
export function target(request: IncomingMessage): { path: string; query: Record<string, string> } {
  const url = new URL(request.url ?? "/", "http://storage");
  return { path: url.pathname, query: Object.fromEntries(url.searchParams) };
}

/** One value of a query parameter. */
export function one(call: Pick<Call, "query">, name: string): string | undefined {
  const value = call.query[name];
  return Array.isArray(value) ? value.at(-1) : value;
}

export const isTrue = (value: string | undefined) => value === "true";

/**
 * The body as the client meant it: `Content-Encoding: gzip` of a request is an encoding of the transport. A connection that
 * ends too early is an error of the stream, never a short body.
 */
export function bodyOf(request: IncomingMessage): Readable {
  const body = request.headers["content-encoding"] === "gzip" ? createGunzip() : new PassThrough();
  request.on("error", (error) => body.destroy(error));
  request.on("aborted", () => body.destroy(clientClosed()));
  request.on("close", () => {
    if (!request.complete) body.destroy(clientClosed());
  });
  // Who stops reading early leaves the rest to be passed over: the connection's next request stands behind it.
  body.once("close", () => request.resume());
  return request.pipe(body);
}

/** A small JSON body, `{}` when there is none. */
export async function jsonBody(source: AsyncIterable<Buffer>, limit = 1 << 20): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > limit) throw invalid(`Metadata is too large: more than ${limit} bytes.`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8").trim();
  if (text === "") return {};
  try {
    const value = JSON.parse(text) as Json;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Falls through to the one message for everything that is not a JSON object.
  }
  throw invalid("Parse Error: the metadata is not a JSON object.");
}

export function writeJson(
  response: ServerResponse,
  status: number,
  body: Json,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body, null, 2);
  response.writeHead(status, {
    "content-type": "application/json; charset=UTF-8",
    "content-length": String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
}

export function writeEmpty(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  // A body of no bytes needs its length said, except where HTTP forbids it.
  const length: Record<string, string> = status === 204 || status === 304 ? {} : { "content-length": "0" };
  response.writeHead(status, { ...length, ...headers });
  response.end();
}
