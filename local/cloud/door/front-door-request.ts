/**
 * One request at the door: its hosts must agree, its token must be good, then it goes to the API and is recorded.
 * Errors leave in the form of their protocol: Google's JSON body, or a gRPC status.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { verbOf } from "../api-http";
import { ApiError, diskFault } from "../errors";
import { refuseGrpc, type GrpcCarrier } from "../grpc/grpc";
import type { Api, Cloud } from "../cloud";
import type { Principal } from "../service";

/** A TLS connection inside CONNECT. */
export interface Tunnel {
  /** Host that the client asked the proxy for. */
  host: string;
  /** Host that the client named in the TLS handshake, if it named one. */
  sni: string | undefined;
}

export interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  /** The client waits for `100 Continue` before it sends the body. */
  mustContinue: boolean;
}

/** One line of the request log. */
export interface RequestRecord {
  time: string;
  principal: string;
  via: Principal["via"];
  protocol: "http/1.1" | "h2" | "grpc";
  host: string;
  /** Discovery id of the method, or gRPC method; the verb and path when the request is described nowhere. */
  method: string;
  status: number;
  grpcStatus?: number;
  ms: number;
}

/** Endpoints outside Google's descriptions that need no access token: the token endpoint, published certificates. */
export interface OpenEndpoints {
  serves: (host: string) => boolean;
  /** Answers the request if it is for one of them; gives its name for the request log. */
  http: (host: string, visit: Visit) => Promise<{ method: string; principal?: Principal } | undefined>;
}

export interface VisitDeps {
  api: Api;
  endpoints: OpenEndpoints;
  grpc: GrpcCarrier;
  resolve: Cloud["principals"]["resolve"];
  record: (entry: RequestRecord) => void;
  now: () => Date;
  log: Cloud["log"];
}

const NOBODY: Principal = { kind: "anonymous", email: "", via: "none" };

/** Serves one HTTP request; resolves when its response has been sent or its connection is gone. */
export async function serveHttp({ host, sni }: Tunnel, visit: Visit, deps: VisitDeps): Promise<void> {
  const { request, response } = visit;
  const begun = performance.now();
  const time = deps.now().toISOString();
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  const verb = verbOf(request);
  const path = (request.url ?? "/").split("?")[0]!;
  let principal = NOBODY;
  let method: string | undefined;
  try {
    requireAgreement({ host, sni }, hostOf(request.headers));
    const answered = deps.endpoints.serves(host) ? await deps.endpoints.http(host, visit) : undefined;
    if (answered) {
      ({ method, principal = NOBODY } = answered);
    } else {
      principal = await deps.resolve(request.headers.authorization, host);
      if (visit.mustContinue) response.writeContinue();
      await deps.api.http(host, request, response, principal);
    }
  } catch (error) {
    refuseHttp(visit, error, deps);
  }
  await closed;
  method ??= deps.api.methodId?.({ host, verb, path }) ?? `${verb} ${path}`;
  const protocol = request.httpVersionMajor === 2 ? "h2" : "http/1.1";
  const ms = Math.round(performance.now() - begun);
  deps.record({
    time,
    principal: principal.email,
    via: principal.via,
    protocol,
    host,
    method,
    status: response.statusCode,
    ms,
  });
}

/** Serves one gRPC stream: the token is checked here once, the in-process server trusts the principal passed on. */
export async function serveGrpc(
  { host, sni }: Tunnel,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  deps: VisitDeps,
): Promise<void> {
  const begun = performance.now();
  const time = deps.now().toISOString();
  let principal = NOBODY;
  let grpcStatus: number | undefined;
  try {
    requireAgreement({ host, sni }, hostOf(headers));
    principal = await deps.resolve(headers.authorization, host);
    grpcStatus = await deps.grpc.carry(stream, headers, principal);
  } catch (error) {
    grpcStatus = refuseGrpc(stream, toApiError(error, deps, { host, method: headers[":path"] }));
  }
  const method = String(headers[":path"]).slice(1);
  const ms = Math.round(performance.now() - begun);
  const status = Number(stream.sentHeaders?.[":status"] ?? 0);
  deps.record({
    time,
    principal: principal.email,
    via: principal.via,
    protocol: "grpc",
    host,
    method,
    status,
    grpcStatus,
    ms,
  });
}

const hostOf = (headers: IncomingHttpHeaders) => String(headers[":authority"] ?? headers.host ?? "").toLowerCase();

/** The host of the CONNECT, of the handshake and of the request must be one: each was checked only as that one. */
function requireAgreement({ host, sni }: Tunnel, named: string): void {
  const requested = named.replace(/:443$/, "");
  if (requested === host && (sni === undefined || sni === host)) return;
  throw new ApiError(
    "INVALID_ARGUMENT",
    `Misdirected request: the connection was opened for ${host}${sni && sni !== host ? ` with TLS name ${sni}` : ""}, the request names ${requested || "no host"}.`,
    [],
    421,
  );
}

function refuseHttp({ request, response }: Visit, error: unknown, deps: VisitDeps): void {
  const refusal = toApiError(error, deps, { host: hostOf(request.headers), method: request.url?.split("?")[0] });
  // Too late for an error body: the client must not take what it has got for whole.
  if (response.headersSent) return void response.destroy();
  if (refusal.status === "UNAUTHENTICATED") response.setHeader("www-authenticate", challenge(request));
  response.statusCode = refusal.http;
  response.setHeader("content-type", "application/json; charset=UTF-8");
  response.end(JSON.stringify(refusal.body(), null, 2));
  // What the client still sends is thrown away, so that it gets to read the answer.
  request.resume();
}

const challenge = ({ headers }: IncomingMessage) =>
  `Bearer realm="https://accounts.google.com/"${headers.authorization ? ', error="invalid_token"' : ""}`;

function toApiError(error: unknown, { log }: VisitDeps, where: object): ApiError {
  if (error instanceof ApiError) return error;
  const full = diskFault(error);
  if (full) return full;
  log.error({ err: error, ...where }, "request failed by a bug");
  return new ApiError("INTERNAL", "Internal error encountered. The cloud's log says more.");
}
