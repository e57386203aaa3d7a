/** For deep tests: the whole cloud as a process of its own that can be killed, and programs that are led to it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { clientEnvironment, cloudFiles, type DoorRecord } from "../../door/client-environment";

const ROOT = resolve(__dirname, "../../../..");

export class CloudProcess {
  private constructor(
    readonly lab: string,
    private child: ChildProcess,
  ) {}

  static async start(): Promise<CloudProcess> {
    const lab = mkdtempSync(join(tmpdir(), "sparklab-deep-"));
    return new CloudProcess(lab, await launch(lab, 0));
  }

  /** kill -9, and nothing that could be written after. */
  async kill(): Promise<void> {
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }

  /** The next cloud of this lab, where the running drivers expect it. */
  async restart(): Promise<void> {
    const { port } = JSON.parse(readFileSync(cloudFiles(this.lab).door, "utf8")) as DoorRecord;
    this.child = await launch(this.lab, port);
  }

  /** Runs a program with the environment of a client; gives its standard output. */
  async run(program: string, ...words: string[]): Promise<string> {
    const env = { ...process.env, ...clientEnvironment(this.lab) };
    return (await promisify(execFile)(program, words, { env, maxBuffer: 1 << 26 })).stdout;
  }

  async close(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, "exit");
      this.child.kill("SIGTERM");
      await exited;
    }
    rmSync(this.lab, { recursive: true });
  }
}

async function launch(lab: string, port: number): Promise<ChildProcess> {
  const project = ["--project", "sparklab-local", "--project-number", "100000000001"];
  const words = ["--import", "tsx", "local/cloud/main.ts", "--lab", lab, "--port", String(port), ...project];
  const child = spawn(process.execPath, words, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit").then(() => Promise.reject(new Error("the cloud ended before its door was open")));
  // Only of interest until the door is open.
  ended.catch(() => undefined);
  await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended]);
  return child;
}
