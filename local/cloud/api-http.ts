/** HTTP around the API surface: request bodies, the verb that is meant, JSON answers and Google's error bodies. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { ApiError, type Status } from "./errors";
import type { Json, JsonObject } from "./service";
import type { Query } from "./contract/validate";
import { isObject } from "./json";

/** Largest JSON body; compiled pipelines are far below. */
const LARGEST_BODY = 32 * 1024 * 1024;

/** Clients behind strict proxies send POST and name the verb in a header. */
export function verbOf(request: IncomingMessage): string {
  const override = request.headers["x-http-method-override"];
  const verb = request.method === "POST" && typeof override === "string" && override !== "" ? override : request.method;
  return (verb ?? "GET").toUpperCase();
}

/** The JSON object in a request's body, `{}` when there is none; gzip is undone. */
export async function readJson(request: IncomingMessage): Promise<JsonObject> {
  const raw = await readBytes(request);
  const text = (request.headers["content-encoding"] === "gzip" ? await unzip(raw) : raw).toString("utf8").trim();
  if (text === "") return {};
  const parsed = parse(text);
  if (!isObject(parsed))
    throw new ApiError(
      "INVALID_ARGUMENT",
      "Invalid JSON payload received. Root element must be a message.",
      [],
      400,
      "badRequest",
    );
  return parsed;
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = () =>
  new ApiError(
    "INVALID_ARGUMENT",
    `Request payload size exceeds the limit: ${LARGEST_BODY} bytes.`,
    [],
    400,
    "badRequest",
  );

async function unzip(raw: Buffer): Promise<Buffer> {
  if (raw.length === 0) return raw;
  try {
    return await promisify(gunzip)(raw, { maxOutputLength: LARGEST_BODY });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw new ApiError("INVALID_ARGUMENT", `Invalid gzip body: ${(error as Error).message}.`, [], 400, "badRequest");
  }
}

function parse(text: string): Json {
  try {
    // A key `__proto__` would be set as a prototype further on; no API has such a field.
    const guard = text.includes("__proto__")
      ? (key: string, value: Json) => (key === "__proto__" ? undefined : value)
      : undefined;
    return JSON.parse(text, guard) as Json;
  } catch (error) {
    throw new ApiError(
      "INVALID_ARGUMENT",
      `Invalid JSON payload received. ${(error as Error).message}`,
      [],
      400,
      "parseError",
    );
  }
}

/** Answers a method; without a described answer it is 204 and empty. Google prints pretty unless asked not to. */
export function writeJson(response: ServerResponse, answer: Json | undefined, query: Query): void {
  if (answer === undefined) {
    response.writeHead(204, HEADERS).end();
    return;
  }
  write(
    response,
    200,
    JSON.stringify(answer, null, query.prettyPrint === "false" || query.$prettyPrint === "false" ? undefined : 2),
  );
}

/** Writes an error; when an answer was already under way the connection is cut, so that no client takes it for whole. */
export function refuse(response: ServerResponse, error: ApiError, api: string | undefined): void {
  if (response.headersSent) {
    response.destroy(error);
    return;
  }
  if (error.http === 304) {
    response.writeHead(304, HEADERS).end();
    return;
  }
  write(response, error.http, JSON.stringify(withReason(error, api).body(), null, 2));
}

const HEADERS = { "cache-control": "private", vary: "Origin, X-Origin, Referer", "x-content-type-options": "nosniff" };

function write(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    ...HEADERS,
    "content-type": "application/json; charset=UTF-8",
    "content-length": body.length,
  });
  response.end(body);
}

/** Clients of the older APIs read `errors[0].reason`; errors of the generic engine get the usual one of their status. */
function withReason(error: ApiError, api: string | undefined): ApiError {
  if (error.reason !== undefined || !/^(storage|bigquery|compute)\./.test(api ?? "")) return error;
  return new ApiError(error.status, error.message, error.details, error.http, REASONS[error.status] ?? "backendError");
}

const REASONS: Partial<Record<Status, string>> = {
  INVALID_ARGUMENT: "invalid",
  FAILED_PRECONDITION: "failedPrecondition",
  NOT_FOUND: "notFound",
  ALREADY_EXISTS: "duplicate",
  PERMISSION_DENIED: "forbidden",
  UNAUTHENTICATED: "authError",
  RESOURCE_EXHAUSTED: "quotaExceeded",
  UNIMPLEMENTED: "notImplemented",
  ABORTED: "aborted",
};
