/** A front door for tests: a real one on a free port, and the clients that go through it by hand. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { openCertificates } from "./certificates";
import { ApiError } from "../errors";
import { openFrontDoor, type FrontDoor, type FrontDoorOptions } from "./front-door";
import type { RequestRecord } from "./front-door-request";
import { createGrpcCarrier, type GrpcCarrier } from "../grpc/grpc";
import type { Principal } from "../service";

export const HOST = "storage.googleapis.com";
export const CALLER: Principal = { kind: "user", email: "someone@example.com", via: "accessToken" };
/** The one token that a test door knows. */
export const GOOD = { authorization: "Bearer good" };

export interface TestDoor {
  door: FrontDoor;
  grpc: GrpcCarrier;
  caCertificate: string;
  ca: Buffer;
  records: RequestRecord[];
  /** What was logged as an error. */
  errors: object[];
  /** Another door with the same parts. */
  open: (more?: Partial<FrontDoorOptions>) => Promise<FrontDoor>;
  close: () => Promise<void>;
}

/** A door that serves HOST and www.googleapis.com by `api` and knows one token. */
export async function openTestDoor(api: FrontDoorOptions["api"]): Promise<TestDoor> {
  const folder = mkdtempSync(join(tmpdir(), "door-"));
  const [records, errors]: [RequestRecord[], object[]] = [[], []];
  const log = { info: () => undefined, warn: () => undefined, error: (fields: object) => void errors.push(fields) };
  const certificates = await openCertificates({ folder, now: () => new Date(), log });
  const grpc = createGrpcCarrier();
  const open: TestDoor["open"] = (more) =>
    openFrontDoor({
      ...{ port: 0, certificates, api, grpc, log, now: () => new Date() },
      serves: (host) => host === HOST || host === "www.googleapis.com" || host.endsWith("dataproc.googleapis.com"),
      endpoints: { serves: () => false, http: async () => undefined },
      resolve: async (authorization) => {
        if (authorization === GOOD.authorization) return CALLER;
        throw new ApiError("UNAUTHENTICATED", "Request had invalid authentication credentials.");
      },
      record: (entry) => void records.push(entry),
      ...more,
    });
  const door = await open();
  const { caCertificate } = certificates;
  const close = async () => {
    await door.close();
    rmSync(folder, { recursive: true });
  };
  return { door, grpc, caCertificate, ca: readFileSync(caCertificate), records, errors, open, close };
}

/** What the door answers to CONNECT. */
export async function connectTo(port: number, target: string): Promise<{ status: number; body: string }> {
  const request = httpRequest({ host: "127.0.0.1", port, method: "CONNECT", path: target, agent: false });
  request.end();
  const [response, socket, head] = (await once(request, "connect")) as [IncomingMessage, Socket, Buffer];
  const status = response.statusCode!;
  if (status !== 200) return { status, body: head.toString() + (await readText(socket)) };
  socket.destroy();
  return { status, body: "" };
}

/** A TLS connection to HOST through the door. */
export async function tunnel(
  port: number,
  ca: Buffer,
  { servername = HOST, alpn }: { servername?: string; alpn?: string } = {},
): Promise<TLSSocket> {
  const socket = connectTcp(port, "127.0.0.1");
  socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
  await once(socket, "data");
  const secure = connectTls({ socket, servername, ca, ...(alpn ? { ALPNProtocols: [alpn] } : {}) });
  // A cut connection is an error to the client; tests look at its closing.
  secure.on("error", () => undefined);
  await once(secure, "secureConnect");
  return secure;
}

export async function http2Session(port: number, ca: Buffer): Promise<ClientHttp2Session> {
  const secure = await tunnel(port, ca, { alpn: "h2" });
  const session = connectHttp2(`https://${HOST}`, { createConnection: () => secure });
  session.on("error", () => undefined);
  return session;
}

/** One POST on an HTTP/2 connection. */
export async function http2Exchange(
  session: ClientHttp2Session,
  path: string,
  body: string,
): Promise<{ status: number; body: string }> {
  const stream = session.request({ ":method": "POST", ":path": path, ...GOOD });
  stream.end(body);
  const response = once(stream, "response") as Promise<[{ ":status": number }]>;
  const [[headers], text] = await Promise.all([response, readText(stream)]);
  return { status: headers[":status"], body: text };
}

/** Writes on a connection and gives what comes back first. */
export async function exchange(secure: TLSSocket, message: string): Promise<string> {
  secure.write(message);
  const [chunk] = (await once(secure, "data")) as [Buffer];
  return chunk.toString();
}

export async function readText(source: AsyncIterable<Buffer | string>): Promise<string> {
  let text = "";
  for await (const chunk of source) text += chunk.toString();
  return text;
}

/** Resolves when a connection has been closed, with or without an error. */
export async function closed(connection: Socket | ClientHttp2Session): Promise<void> {
  connection.on("error", () => undefined);
  if ("resume" in connection) connection.resume();
  if (!connection.closed) await new Promise<void>((resolve) => connection.once("close", () => resolve()));
}

/** Looks again until it is so; the test's own time limit ends a wait in vain. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
