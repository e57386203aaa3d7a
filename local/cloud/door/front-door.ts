/**
 * The one way into the cloud: an HTTP proxy on loopback that accepts CONNECT for the Google hosts that are served here,
 * ends TLS with the private CA's leaf, and hands each request (HTTP/1.1, HTTP/2, gRPC) on by its host.
 */
import { once } from "node:events";
import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  createServer as createHttp2,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTls, TLSSocket, type Server as TlsServer } from "node:tls";
import type { Certificates, Leaf } from "./certificates";
import { explainListenError } from "./front-door-port";
import { carriesGrpc, type GrpcCarrier } from "../grpc/grpc";
import { serveGrpc, serveHttp, type Tunnel, type Visit, type VisitDeps } from "./front-door-request";

export interface FrontDoorOptions extends VisitDeps {
  /** Port on 127.0.0.1; 0 lets the system choose. */
  port: number;
  certificates: Certificates;
  /** True for hosts that are served here; every other host is refused. */
  serves: (host: string) => boolean;
  grpc: GrpcCarrier;
  timeouts?: Partial<Timeouts>;
}

/** Milliseconds. A request may take as long as bytes flow; what is bounded is silence. */
export interface Timeouts {
  /** From the TCP connection to the end of the TLS handshake, and for the headers of each request. */
  greeting: number;
  /** Between two requests of an HTTP/1.1 connection. */
  keepAlive: number;
  /** Without a byte in either direction while a request is under way, and for idle HTTP/2 connections. */
  silence: number;
  /** How long `close` waits for requests that are under way. */
  drain: number;
}
const DEFAULTS: Timeouts = { greeting: 15_000, keepAlive: 75_000, silence: 600_000, drain: 10_000 };

export interface FrontDoor {
  port: number;
  /** `http://127.0.0.1:<port>` */
  proxy: string;
  /** Refuses new connections, lets requests under way end, then closes; what is left after `drain` is cut. */
  close: () => Promise<void>;
}

/** State of one open door. */
interface Door {
  options: FrontDoorOptions;
  timeouts: Timeouts;
  /** Listens; also speaks HTTP/1.1 inside tunnels, so that Node's header and idle timeouts watch those too. */
  http1: Server;
  /** Never listens; connections are given to it once their CONNECT is answered. */
  tls: TlsServer;
  /** What `tls` shows; undefined before the first connection. */
  leaf?: Leaf;
  http2: Http2Server;
  /** Turns HTTP/2 streams into request and response objects. It never sees gRPC, whose trailers that form loses. */
  compat: Http2Server;
  /** Host of each CONNECT by the client's address and port, until the TLS connection on it ends. */
  hosts: Map<string, string>;
  /** By TLS socket, and by HTTP/2 session. */
  tunnels: WeakMap<object, Tunnel>;
  sockets: Set<Socket>;
  sessions: Set<ServerHttp2Session>;
}

export async function openFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const timeouts = { ...DEFAULTS, ...options.timeouts };
  const http1 = createHttp({
    headersTimeout: timeouts.greeting,
    keepAliveTimeout: timeouts.keepAlive,
    // Uploads may be long; silence is bounded by `timeout` below.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, timeouts.greeting),
  });
  http1.timeout = timeouts.silence;
  const door: Door = {
    ...{ options, timeouts, http1, http2: createHttp2(), compat: createHttp2() },
    tls: createTls({ ALPNProtocols: ["h2", "http/1.1"], handshakeTimeout: timeouts.greeting, minVersion: "TLSv1.2" }),
    ...{ hosts: new Map(), tunnels: new WeakMap(), sockets: new Set(), sessions: new Set() },
  };
  acceptTls(door);
  acceptRequests(door);
  http1.on("connection", (socket: Socket) => {
    if (socket instanceof TLSSocket) return;
    door.sockets.add(socket);
    socket.once("close", () => door.sockets.delete(socket));
  });
  http1.on("connect", (request, socket, head) => {
    openTunnel(door, request, socket as Socket, head).catch((error: Error) => {
      options.log.error({ err: error }, "tunnel failed");
      socket.destroy();
    });
  });
  http1.listen(options.port, "127.0.0.1");
  await once(http1, "listening").catch(async (error: NodeJS.ErrnoException) => {
    throw await explainListenError(error, options.port);
  });
  const { port } = http1.address() as AddressInfo;
  return { port, proxy: `http://127.0.0.1:${port}`, close: () => close(door) };
}

function acceptRequests(door: Door): void {
  const { http1, http2, compat, options } = door;
  const serve = (tunnel: Tunnel, visit: Visit) =>
    void serveHttp(tunnel, visit, options).then(() => {
      // While closing, a connection that has just become idle is not kept for a next request.
      if (!http1.listening) http1.closeIdleConnections();
    });
  const overHttp1 = (mustContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    const tunnel = door.tunnels.get(request.socket);
    if (tunnel) serve(tunnel, { request, response, mustContinue });
    else refusePlain(request, response);
  };
  http1.on("request", overHttp1(false));
  http1.on("checkContinue", overHttp1(true));
  // `rawHeaders` is passed by Node and missing from its types.
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: unknown) => {
    if (!carriesGrpc(headers)) return void compat.emit("stream", stream, headers, flags, rawHeaders);
    void serveGrpc(tunnelOf(door, stream), stream, headers, options);
  };
  http2.on("stream", onStream as never);
  const overHttp2 = (mustContinue: boolean) => (request: unknown, response: unknown) => {
    // Node's compatibility objects follow the interface of HTTP/1.1's.
    const visit = { request, response, mustContinue } as Visit & { request: { stream: ServerHttp2Stream } };
    serve(tunnelOf(door, visit.request.stream), visit);
  };
  compat.on("request", overHttp2(false));
  compat.on("checkContinue", overHttp2(true));
}

function tunnelOf(door: Door, stream: ServerHttp2Stream): Tunnel {
  const tunnel = stream.session && door.tunnels.get(stream.session);
  if (!tunnel) throw new Error("HTTP/2 stream outside a tunnel");
  return tunnel;
}

/** CONNECT: checks the host, answers 200 and speaks TLS on the connection from then on. */
async function openTunnel(door: Door, request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
  const { options, hosts, tunnels } = door;
  socket.on("error", (error) =>
    options.log.info({ code: (error as NodeJS.ErrnoException).code }, "client connection failed"),
  );
  const match = /^([a-z0-9.-]+?)\.?:(\d+)$/.exec((request.url ?? "").toLowerCase());
  const host = match?.[1] ?? "";
  if (match?.[2] !== "443" || !options.serves(host) || tunnels.has(request.socket))
    return refuseTunnel(socket, request.url);
  const leaf = await options.certificates.leaf();
  if (leaf !== door.leaf) door.tls.setSecureContext({ key: leaf.key, cert: leaf.cert, minVersion: "TLSv1.2" });
  door.leaf = leaf;
  if (socket.destroyed) return;
  const client = clientOf(socket);
  hosts.set(client, host);
  socket.once("close", () => hosts.delete(client));
  socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  if (head.length > 0) socket.unshift(head);
  // HTTP leaves half-closed connections to its server; a client that goes in the middle of the handshake is gone.
  socket.allowHalfOpen = false;
  door.tls.emit("connection", socket);
}

/** What both the TCP and the TLS socket of a connection know; no two that live on loopback share it. */
const clientOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress}:${remotePort}`;

function acceptTls(door: Door): void {
  const { tls, hosts, options } = door;
  tls.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
    options.log.info({ host: hosts.get(clientOf(socket)), code: error.code }, "TLS handshake failed");
    socket.destroy();
  });
  tls.on("secureConnection", (secure) => {
    const host = hosts.get(clientOf(secure));
    secure.on("error", (error: NodeJS.ErrnoException) =>
      options.log.info({ host, code: error.code }, "TLS connection failed"),
    );
    if (host === undefined) return void secure.destroy();
    const { servername, alpnProtocol } = secure as TLSSocket & { servername?: string | false };
    speak(door, secure, { host, sni: servername ? servername.toLowerCase() : undefined }, alpnProtocol === "h2");
  });
}

function speak(door: Door, secure: TLSSocket, tunnel: Tunnel, isHttp2: boolean): void {
  const { http1, http2, tunnels, sessions, timeouts } = door;
  tunnels.set(secure, tunnel);
  if (!isHttp2) return void http1.emit("connection", secure);
  // The session is made while `connection` is emitted; it is what streams know of their connection.
  http2.once("session", (session: ServerHttp2Session) => {
    tunnels.set(session, tunnel);
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.setTimeout(timeouts.silence, () => session.destroy());
  });
  http2.emit("connection", secure);
}

function refuseTunnel(socket: Duplex, target: string | undefined): void {
  const body = `CONNECT ${target}: refused; expected a Google API host that this loopback cloud serves, on port 443. Other traffic does not belong in this proxy: unset HTTPS_PROXY for it, or add its host to NO_PROXY.\n`;
  const head = [
    "HTTP/1.1 403 Forbidden",
    "Content-Type: text/plain",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

/** A request outside a tunnel: somebody proxies plain HTTP, or takes the door for a web server. */
function refusePlain(request: IncomingMessage, response: ServerResponse): void {
  const isProxying = !request.url?.startsWith("/");
  const body = isProxying
    ? `${request.method} ${request.url}: refused; expected CONNECT, because this proxy carries TLS to Google's API hosts only. Unset HTTP_PROXY: HTTPS_PROXY is enough.\n`
    : `${request.method} ${request.url}: refused; expected CONNECT, because this is the proxy of a loopback Google Cloud. npx sparklab env prints the variables that lead clients through it.\n`;
  response.writeHead(isProxying ? 403 : 400, { "content-type": "text/plain", connection: "close" });
  response.end(body);
}

async function close({ http1, sessions, sockets, timeouts, options }: Door): Promise<void> {
  const closed = once(http1, "close");
  http1.close();
  for (const session of sessions) session.close();
  const cut = setTimeout(() => sockets.forEach((socket) => socket.destroy()), timeouts.drain);
  await closed;
  clearTimeout(cut);
  options.grpc.close();
}
