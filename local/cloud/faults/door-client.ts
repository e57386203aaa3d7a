/** For tests: connections through the door by hand, so that they can be slow, half closed or cut. */
import { readFileSync } from "node:fs";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { clientEnvironment } from "../door/client-environment";
import { tunnel } from "../door/front-door-testing";

export class DoorClient {
  constructor(private readonly lab: string) {}

  /** A TLS connection to storage that trusts the lab's CA only. */
  async connect(): Promise<TLSSocket> {
    const { HTTPS_PROXY, NODE_EXTRA_CA_CERTS } = clientEnvironment(this.lab);
    return tunnel(Number(new URL(HTTPS_PROXY!).port), readFileSync(NODE_EXTRA_CA_CERTS!));
  }

  /** The head of a request with the operator's token. */
  head(request: string, headers: Record<string, string | number> = {}): string {
    const token = clientEnvironment(this.lab).GOOGLE_OAUTH_ACCESS_TOKEN!;
    const all = { host: "storage.googleapis.com", authorization: `Bearer ${token}`, ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    return `${[`${request} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`;
  }

  /** One request on a connection of its own, to its end. */
  async send(request: string, body: Buffer | string = "", headers: Record<string, string | number> = {}) {
    const socket = await this.connect();
    const answer = await this.ask(socket, request, body, { connection: "close", ...headers });
    socket.destroy();
    return answer;
  }

  /** One request on an open connection; its answer must be small. */
  async ask(
    socket: Socket,
    request: string,
    body: Buffer | string = "",
    headers: Record<string, string | number> = {},
  ): Promise<{ status: number; head: string; body: string }> {
    socket.write(this.head(request, { "content-length": Buffer.byteLength(body), ...headers }));
    socket.write(body);
    return readAnswer(socket);
  }
}

/** An answer whose length its head names. */
export async function readAnswer(socket: Socket): Promise<{ status: number; head: string; body: string }> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const head = bytes.subarray(0, end).toString();
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (bytes.length < end + 4 + length) continue;
    return { status: Number(head.split(" ")[1]), head, body: bytes.subarray(end + 4).toString() };
  }
}
