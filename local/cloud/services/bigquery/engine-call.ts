/** Calls of the BigQuery engine: a method of Google's description in, its answer or Google's error out. */
import { Agent, request } from "undici";
import type { Cloud } from "../../cloud";
import { ApiError, diskFault, STATUS, type Status } from "../../errors";
import type { Call, Json, JsonObject } from "../../service";

/** An engine that works on a long query answers late; that it is alive shows its connection. */
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

export async function callEngine(
  cloud: Cloud,
  call: Pick<Call, "methodId" | "path" | "query" | "body" | "principal" | "http">,
): Promise<Json> {
  const { rest, token } = await started(cloud);
  const ifMatch = call.http?.request.headers["if-match"];
  const answer = await request(`${rest}/call/${call.methodId}`, {
    dispatcher: agent,
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      ...{ path: call.path, query: call.query, body: call.body ?? {}, principal: call.principal.email },
      ...(ifMatch !== undefined && { if_match: ifMatch }),
    }),
  }).catch((error: unknown) => lost(cloud, error));
  const body = (await answer.body.json().catch((error: unknown) => lost(cloud, error))) as JsonObject;
  if (answer.statusCode >= 400) throw toApiError(answer.statusCode, body);
  return body;
}

/** The engine's addresses; it is started if it does not run. */
export async function started(cloud: Cloud) {
  try {
    return await cloud.engines.bigquery.start();
  } catch (error) {
    cloud.log.error({ err: error }, "BigQuery engine does not start");
    throw diskFault(error) ?? unavailable("The BigQuery engine does not start; the cloud's log says why.");
  }
}

/** A died engine is started again by the next request; whether this one was done is unknown, as with Google's 503. */
function lost(cloud: Cloud, error: unknown): never {
  cloud.log.warn({ err: error }, "BigQuery engine lost a request");
  throw unavailable("The BigQuery engine was interrupted. Please retry.");
}

const unavailable = (message: string) => new ApiError("UNAVAILABLE", message, [], 503, "backendError");

interface EngineError {
  error: { code: number; message: string; status?: string; errors?: { reason: string }[] };
}

function toApiError(http: number, body: JsonObject): ApiError {
  const { error } = body as unknown as EngineError;
  const status: Status = error.status !== undefined && error.status in STATUS ? (error.status as Status) : "INTERNAL";
  return new ApiError(status, error.message, [], http, error.errors?.[0]?.reason ?? "internalError");
}
