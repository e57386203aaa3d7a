/** For tests: the whole cloud as a process of its own that can be killed, and programs that are led to it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { ProxyAgent, request } from "undici";
import { clientEnvironment, cloudFiles, type DoorRecord } from "../door/client-environment";
import type { JsonObject } from "../service";

const ROOT = resolve(__dirname, "../../..");

export interface LaunchOptions {
  /** Folder of the lab as the cloud's process knows it; a new one if none is named. */
  lab?: string;
  /** The same folder as this process reaches it, where that differs. */
  reached?: string;
  /** Words before the command. */
  words?: readonly string[];
  /** Modules that are loaded before the program. */
  preload?: readonly string[];
  environment?: Readonly<Record<string, string>>;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  bytes: Buffer;
  json: JsonObject;
}

export class CloudProcess {
  private agent?: ProxyAgent;

  private constructor(
    /** The lab's folder as this process reaches it. */
    readonly lab: string,
    private readonly options: LaunchOptions & { lab: string },
    private child: ChildProcess,
  ) {}

  static async start(options: LaunchOptions = {}): Promise<CloudProcess> {
    const lab = options.lab ?? mkdtempSync(join(tmpdir(), "sparklab-deep-"));
    const named = { ...options, lab };
    return new CloudProcess(options.reached ?? lab, named, await launch(named, 0));
  }

  /** kill -9, and nothing that could be written after. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** The graceful end. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** Resolves when the process has ended, whoever ended it. */
  async ended(): Promise<void> {
    if (this.isRunning) await once(this.child, "exit");
    await this.forgetConnections();
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The next cloud of this lab, where the running drivers expect it. */
  async restart(port = this.port, environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const more = { ...this.options.environment, ...environment };
    this.child = await launch({ ...this.options, environment: more }, port);
  }

  /** Of the last start; read before a graceful end, which removes the record. */
  get port(): number {
    return (JSON.parse(readFileSync(cloudFiles(this.lab).door, "utf8")) as DoorRecord).port;
  }

  /** Runs a program with the environment of a client; gives its standard output. */
  async run(program: string, ...words: string[]): Promise<string> {
    const env = { ...process.env, ...clientEnvironment(this.lab) };
    return (await promisify(execFile)(program, words, { env, maxBuffer: 1 << 26 })).stdout;
  }

  /** One request as the operator: `send("GET https://storage.googleapis.com/storage/v1/b")`. */
  async send(what: string, body?: JsonObject | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
    const [method = "GET", url = ""] = what.split(" ");
    const environment = clientEnvironment(this.lab);
    this.agent ??= new ProxyAgent({
      uri: environment.HTTPS_PROXY!,
      requestTls: { ca: readFileSync(environment.NODE_EXTRA_CA_CERTS!) },
    });
    const isBytes = body === undefined || Buffer.isBuffer(body);
    const answer = await request(url, {
      dispatcher: this.agent,
      method: method as "GET",
      body: isBytes ? body : JSON.stringify(body),
      headers: {
        authorization: `Bearer ${environment.GOOGLE_OAUTH_ACCESS_TOKEN}`,
        ...(!isBytes && { "content-type": "application/json" }),
        ...headers,
      },
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const isJson = /json/.test(String(answer.headers["content-type"]));
    const json = (isJson ? JSON.parse(bytes.toString()) : {}) as JsonObject;
    return { status: answer.statusCode, headers: answer.headers, bytes, json };
  }

  async close(): Promise<void> {
    if (this.isRunning) await this.stop();
    // Programs that outlived the cloud may still write their last lines.
    rmSync(this.lab, { recursive: true, maxRetries: 5, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const exited = this.isRunning ? once(this.child, "exit") : Promise.resolve();
    this.child.kill(signal);
    await exited;
    await this.forgetConnections();
  }

  private async forgetConnections(): Promise<void> {
    await this.agent?.destroy();
    this.agent = undefined;
  }
}

async function launch(options: LaunchOptions & { lab: string }, port: number): Promise<ChildProcess> {
  const { lab, words = [], preload = [], environment = {} } = options;
  const project = ["--project", "sparklab-local", "--project-number", "100000000001"];
  const imports = ["tsx", join(__dirname, "end-with-test.cjs"), ...preload].flatMap((module) => ["--import", module]);
  const program = ["local/cloud/main.ts", "--lab", lab, "--port", String(port), ...project];
  const [command = "", ...rest] = [...words, process.execPath, ...imports, ...program];
  const env = { ...process.env, ...environment };
  const child = spawn(command, rest, { cwd: ROOT, env, stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const ended = once(child, "exit").then(() => Promise.reject(new Error("the cloud ended before its door was open")));
  // Only of interest until the door is open.
  ended.catch(() => undefined);
  await Promise.race([once(createInterface({ input: child.stdout! }), "line"), ended]);
  return child;
}
