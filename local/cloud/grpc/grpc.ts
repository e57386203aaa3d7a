/**
 * gRPC behind the door. Streams are carried to an in-process @grpc/grpc-js server over connections in memory: no second
 * port, and status, trailers, deadlines and cancellation stay gRPC's own.
 */
import {
  connect,
  constants,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { Metadata, Server, ServerCredentials, status as grpcStatus } from "@grpc/grpc-js";
import { STATUS, type ApiError } from "../errors";
import { encodeDetails } from "./status";
import { connectionInMemory } from "../door/memory-connection";
import type { Principal } from "../service";

/** Largest message either way; BigQuery's appends may have 20 MB, Google's default for answers is 128 MB. */
const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;
/** Header by which the door tells the in-process server who calls; whatever a client sends under it is dropped. */
const PRINCIPAL = "x-sparklab-principal";

export interface GrpcCarrier {
  /** Implementations are added here, before the door opens. */
  server: Server;
  /** Carries one stream to the server; resolves with its gRPC status when it is over. */
  carry: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, principal: Principal) => Promise<number>;
  close: () => void;
}

/** True for gRPC proper; gRPC-Web is something else. */
export const carriesGrpc = (headers: IncomingHttpHeaders) =>
  /^application\/grpc(\+|;|$)/.test(headers["content-type"] ?? "");

/** Who makes a gRPC call: verified at the door, so an implementation need not look at credentials. */
export function principalOf(call: { metadata: Metadata }): Principal {
  const [encoded] = call.metadata.get(PRINCIPAL);
  if (typeof encoded !== "string") throw new Error("gRPC call did not come through the door");
  return JSON.parse(Buffer.from(encoded, "base64url").toString("utf8")) as Principal;
}

export function createGrpcCarrier(): GrpcCarrier {
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  // One inner connection for each outer one: a client that reads slowly holds up its own streams only.
  const inner = new WeakMap<ServerHttp2Session, ClientHttp2Session>();
  const innerOf = (outer: ServerHttp2Session) => {
    const known = inner.get(outer);
    if (known && !known.closed && !known.destroyed) return known;
    const [near, far] = connectionInMemory();
    injector.injectConnection(far);
    const session = connect("http://grpc", { createConnection: () => near });
    inner.set(outer, session);
    outer.once("close", () => session.destroy());
    return session;
  };
  const carry: GrpcCarrier["carry"] = async (stream, headers, principal) => {
    if (!stream.session || stream.destroyed) return grpcStatus.CANCELLED;
    return relay(stream, innerOf(stream.session as ServerHttp2Session).request(passedOn(headers, principal)));
  };
  return { server, carry, close: () => server.forceShutdown() };
}

function passedOn(headers: IncomingHttpHeaders, principal: Principal): OutgoingHttpHeaders {
  const { authorization: _, [PRINCIPAL]: __, ...rest } = headers;
  return { ...rest, [PRINCIPAL]: Buffer.from(JSON.stringify(principal)).toString("base64url") };
}

/** Joins both halves of a call; resolves with its status when the client's half is closed. */
function relay(outer: ServerHttp2Stream, inner: ReturnType<ClientHttp2Session["request"]>): Promise<number> {
  let trailers: IncomingHttpHeaders | undefined;
  let result: number = grpcStatus.CANCELLED;
  const note = (headers: IncomingHttpHeaders) => {
    if (headers["grpc-status"] !== undefined) result = Number(headers["grpc-status"]);
  };
  inner.on("response", (headers: IncomingHttpHeaders, flags: number) => {
    note(headers);
    if (outer.destroyed || outer.headersSent) return;
    const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    outer.respond(headers, isWhole ? { endStream: true } : { waitForTrailers: true });
    if (!isWhole) inner.pipe(outer);
  });
  inner.on("trailers", (headers: IncomingHttpHeaders) => {
    note(headers);
    trailers = headers;
    outer.emit("trailersKnown");
  });
  outer.on("wantTrailers", () => {
    const send = () => void (outer.destroyed || outer.sendTrailers(trailers!));
    if (trailers) send();
    else outer.once("trailersKnown", send);
  });
  outer.pipe(inner);
  return new Promise((resolve) => {
    // A cancelled call (the client's reset, its lost connection) must reach the implementation, and the other way round.
    outer.on("error", () => inner.close(constants.NGHTTP2_CANCEL));
    outer.once("close", () => {
      if (!inner.closed) inner.close(constants.NGHTTP2_CANCEL);
      resolve(result);
    });
    inner.on("error", () => outer.close(constants.NGHTTP2_INTERNAL_ERROR));
    inner.once("close", () => {
      const isCut = inner.rstCode !== constants.NGHTTP2_NO_ERROR || !(trailers ?? outer.writableEnded);
      if (isCut && !outer.closed) outer.close(inner.rstCode || constants.NGHTTP2_INTERNAL_ERROR);
    });
  });
}

/** Answers a stream that goes no further: trailers only, as gRPC servers do; HTTP status 421 where hosts disagree. */
export function refuseGrpc(stream: ServerHttp2Stream, error: ApiError): number {
  const code = STATUS[error.status].grpc;
  if (stream.destroyed || stream.headersSent) {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return code;
  }
  const details = encodeDetails(error);
  stream.respond(
    {
      ":status": error.http === 421 ? 421 : 200,
      "content-type": "application/grpc",
      "grpc-status": String(code),
      "grpc-message": encodeURIComponent(error.message),
      ...(details ? { "grpc-status-details-bin": details.toString("base64") } : {}),
    },
    { endStream: true },
  );
  stream.resume();
  return code;
}
