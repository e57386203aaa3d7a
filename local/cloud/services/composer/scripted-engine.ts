/** For tests: an engine whose Airflows are small servers in this process, and whose commands are written by the test. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { AirflowEngine, AirflowEnvironment, SparkEnd, SparkRun } from "../../../engines/interface";

export interface ScriptedAirflow {
  engine: AirflowEngine;
  /** What each start was told, in order. */
  started: AirflowEnvironment[];
  stopped: string[];
  /** Folders whose earlier processes were to be ended. */
  swept: string[];
  /** Ends a running Airflow by itself. */
  die: (reason: string) => void;
  /** Set to refuse. */
  missing?: string;
}

export function scriptedAirflow(): ScriptedAirflow {
  let die: (reason: string) => void = () => undefined;
  const scripted: ScriptedAirflow = {
    started: [],
    stopped: [],
    swept: [],
    die: (reason) => die(reason),
    engine: {
      problem: () => scripted.missing,
      dags: (folder) => join(folder, "dags"),
      logs: (folder) => join(folder, "logs"),
      start: async (environment) => {
        scripted.started.push(environment);
        const server = await listening();
        let end!: (reason?: string) => void;
        const ended = new Promise<string | undefined>((resolve) => (end = resolve)).finally(() => server.close());
        die = end;
        const stop = async () => {
          scripted.stopped.push(environment.folder);
          end();
          await ended;
        };
        const { port } = server.address() as AddressInfo;
        return { port, authorization: (user) => `Bearer ${user}`, ended, stop };
      },
      stopEarlier: async (folder) => void scripted.swept.push(folder),
      ...scriptedCommands(),
    },
  };
  return scripted;
}

/** Commands that print their words and two lines; `--wait` goes on, `--fail` fails. */
function scriptedCommands(): Pick<AirflowEngine, "command" | "attachCommand"> {
  const runs = new Map<string, SparkRun>();
  return {
    command: async (_environment, words, folder) => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "output"), `${words.join(" ")}\none\ntwo\n`);
      let finish!: (end: SparkEnd) => void;
      const ended = new Promise<SparkEnd>((resolve) => (finish = resolve));
      const run = { pid: 1, ended, stop: async () => finish({ exitCode: null, signal: "SIGTERM" }) };
      runs.set(folder, run);
      if (!words.includes("--wait")) finish({ exitCode: words.includes("--fail") ? 3 : 0, signal: null });
      return run;
    },
    attachCommand: (folder) => runs.get(folder),
  };
}

/** Tells what it was asked, as JSON. */
function listening(): Promise<Server> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      const { method, url, headers } = request;
      response.writeHead(method === "POST" ? 201 : 200, { "content-type": "application/json", "x-from": "airflow" });
      response.end(JSON.stringify({ method, url, body, authorization: headers.authorization, cookie: headers.cookie }));
    });
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
