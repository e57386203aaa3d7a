/**
 * For tests: the CLI as a process over a small program and a real loopback cloud, with a gate before the cloud: a step
 * that has begun stays in flight until the test lets it through, so that nothing depends on time.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Duplex } from "node:stream";
import { cloudFiles } from "../local/cloud/door/client-environment";
import { startTestCloud } from "../local/cloud/main-testing";
import { readTools } from "../local/engines/tools";

export interface GatedLab {
  folder: string;
  /** The next connection to this host waits; resolves when it has come. @returns the function that lets it through */
  hold: (host: string) => { arrived: Promise<void>; open: () => void };
  sparklab: (...words: string[]) => RunningCommand;
  close: () => Promise<void>;
}

export interface RunningCommand {
  child: ChildProcess;
  /** Resolves when standard error has said it. */
  said: (text: string) => Promise<void>;
  ended: Promise<{ code: number | null; signal: string | null; out: string; notes: string }>;
}

export async function openGatedLab(program: string): Promise<GatedLab> {
  const folder = mkdtempSync(join(tmpdir(), "sparklab-cli-"));
  const started = await startTestCloud(folder, readTools().descriptions);
  const gate = await openGate(started.door.port);
  const file = cloudFiles(folder).door;
  const door = JSON.parse(readFileSync(file, "utf8")) as { proxy: string };
  const proxy = Object.assign(new URL(door.proxy), { port: String(gate.port) });
  writeFileSync(file, JSON.stringify({ ...door, proxy: proxy.href }), { mode: 0o600 });
  return {
    folder,
    hold: gate.hold,
    sparklab: (...words) => start(words, resolve(__dirname, "testdata", program), folder),
    close: async () => {
      gate.close();
      await started.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A proxy before the door that lets every connection through but those that a test holds. */
async function openGate(doorPort: number) {
  const held = new Map<string, { arrive: () => void; opened: Promise<void> }>();
  const sockets = new Set<Duplex>();
  const server = createServer();
  server.on("connect", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.add(socket);
    const host = request.url!.split(":")[0]!;
    const stop = held.get(host);
    held.delete(host);
    stop?.arrive();
    void Promise.resolve(stop?.opened).then(() => forward(request, socket, head, doorPort));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    hold: (host: string) => {
      let [arrive, open] = [() => undefined as void, () => undefined as void];
      const arrived = new Promise<void>((done) => (arrive = done));
      const opened = new Promise<void>((done) => (open = done));
      held.set(host, { arrive, opened });
      return { arrived, open };
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function forward({ url, headers }: IncomingMessage, socket: Duplex, head: Buffer, doorPort: number): void {
  const door = connect(doorPort, "127.0.0.1");
  const authorization = headers["proxy-authorization"];
  const token = authorization ? `Proxy-Authorization: ${authorization}\r\n` : "";
  door.write(`CONNECT ${url} HTTP/1.1\r\nHost: ${url}\r\n${token}\r\n`);
  door.write(head);
  door.pipe(socket).pipe(door);
  for (const end of [door, socket]) end.on("error", () => [door, socket].forEach((stream) => stream.destroy()));
}

function start(words: string[], root: string, lab: string): RunningCommand {
  const child = spawn(process.execPath, [join(__dirname, "testdata", "run-in.cjs"), root, ...words], {
    env: { ...process.env, SPARKLAB_LAB: lab, SPARKLAB_PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, notes] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (notes += chunk.toString()));
  const ended = once(child, "close").then(([code, signal]) => ({
    ...{ code: code as number | null, signal: signal as string | null },
    ...{ out, notes },
  }));
  const said = (text: string) =>
    new Promise<void>((done, fail) => {
      const look = () => {
        if (!notes.includes(text)) return;
        child.stderr.off("data", look);
        done();
      };
      child.stderr.on("data", look);
      look();
      void ended.then(({ code }) => fail(new Error(`ended with ${code} and never said "${text}": ${notes}${out}`)));
    });
  return { child, said, ended };
}
