/** From a request to the command that carries it out. A command is loaded when it is asked for: the clients of one take a second. */
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Context } from "./context";
import type { Request } from "./requests";

const load = <Module>(name: string) => createRequire(__filename)(join(__dirname, "commands", name)) as Module;

/** Resolves with the exit code. */
export async function carryOut(request: Request, context: Context): Promise<number> {
  switch (request.command) {
    case "preview":
    case "up":
    case "refresh":
    case "destroy":
    case "drift":
      return load<typeof import("./commands/lifecycle")>("lifecycle").lifecycle(request, context);
    case "undeploy":
      return load<typeof import("./commands/undeploy")>("undeploy").undeploy(request, context);
    case "state":
      return load<typeof import("./commands/state")>("state").state(request, context);
    case "graph":
      return load<typeof import("./commands/graph")>("graph").graph(request, context);
    case "env":
      return load<typeof import("./commands/env")>("env").env(request, context);
    case "exec":
      return load<typeof import("./commands/env")>("env").exec(request, context);
    case "start":
      return load<typeof import("./commands/start")>("start").start(request, context);
    case "profiles":
      return load<typeof import("./commands/profiles")>("profiles").profiles(request, context);
    case "doctor":
      return load<typeof import("./commands/doctor")>("doctor").doctor(request, context);
    case "completion":
      return load<typeof import("./commands/completion")>("completion").completion(request, context);
    case "reference":
      return load<typeof import("./commands/reference")>("reference").reference(context);
    case "down":
      return load<typeof import("./commands/down")>("down").down(context);
    default:
      return work(request, context);
  }
}

/** What a lab is for: jobs, runs, notebooks, and what is known of them. */
function work(request: Extract<Request, { command: Work }>, context: Context): Promise<number> {
  switch (request.command) {
    case "run":
      return load<typeof import("./commands/run")>("run").run(request, context);
    case "train":
      return load<typeof import("./commands/train")>("train").train(request, context);
    case "status":
      return load<typeof import("./commands/status")>("status").status(request, context);
    case "logs":
      return load<typeof import("./commands/logs")>("logs").logs(request, context);
    case "lineage":
      return load<typeof import("./commands/lineage")>("lineage").lineage(request, context);
    case "batch":
      return load<typeof import("./commands/batch")>("batch").batch(request, context);
    case "dag":
      return load<typeof import("./commands/dag")>("dag").dag(request, context);
    case "notebook":
      return load<typeof import("./commands/notebook")>("notebook").notebook(request, context);
    case "notebook run":
      return load<typeof import("./commands/notebook-run")>("notebook-run").notebookRun(request, context);
    case "promote":
      return load<typeof import("./commands/promote")>("promote").promote(request, context);
    case "image":
      return load<typeof import("./commands/image")>("image").image(request, context);
  }
}

type Work =
  "run" | "train" | "status" | "logs" | "lineage" | "batch" | "dag" | "notebook" | "notebook run" | "promote" | "image";
