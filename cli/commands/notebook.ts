/** JupyterLab, or a run of notebooks from top to bottom, in a session made from the stack's session template. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { Storage } from "@google-cloud/storage";
import { cloudFiles } from "../../local/cloud/door/client-environment";
import { tokenFile } from "../../local/engines/sessions";
import { readTools } from "../../local/engines/tools";
import { asClient, spawnInherited, type Context } from "../context";
import { readDeployed, readOutputs } from "../deployed";
import { LOCAL_STACK, UserError } from "../lab";
import { openSession, type OpenSession } from "../notebook-session";
import { install } from "../on-demand";
import type { NotebookRequest } from "../requests";
import { faint, heading } from "../terminal";
import { newPipelineId } from "./run";

const EXECUTE = resolve(__dirname, "../../local/engines/notebook_execute.py");

export async function notebook(request: NotebookRequest, context: Context): Promise<number> {
  if (request.stack !== LOCAL_STACK) return workbenchOf(request, context);
  if (request.notebooks.length > 0 && !request.execute)
    throw new UserError(`notebook: got ${request.notebooks.join(", ")}; expected names only with --execute.`);
  const installed = await install("notebooks", request.stack, context);
  if (installed !== 0) return installed;
  return asClient(context, request.stack, async () => {
    const { lab, terminal } = context;
    const outputs = await readOutputs(lab, request.stack);
    const folder = join(lab.folder, "notebooks");
    await deliver(outputs.buckets.notebooks, folder);
    const names = request.execute ? namesOf(request.notebooks, folder) : [];
    const template = request.template ?? outputs.sessionTemplate;
    const opening = openSession(outputs, template, `notebook-${newPipelineId(new Date())}`);
    const session = await terminal.wait("Starting a session", opening);
    terminal.line(
      `${heading("Session")} ${session.name.split("/").at(-1)} ${faint(`of template ${template.split("/").at(-1)}`)}`,
    );
    try {
      return await (request.execute ? execute(names, folder, session, context) : jupyterLab(folder, session, context));
    } finally {
      await session.end();
      terminal.line("The session has ended; notebooks stay in " + folder);
    }
  });
}

/** In another environment Jupyter runs on the Workbench instance, with the same files. */
async function workbenchOf({ stack }: NotebookRequest, { lab, terminal }: Context): Promise<number> {
  const { outputs = {} } = await readDeployed(lab, stack);
  if (typeof outputs.jupyter !== "string")
    throw new UserError(
      `Stack "${stack}": has no Workbench; expected the feature workbench and a deployed stack. npx sparklab up -s ${stack}`,
    );
  terminal.line(`${heading("JupyterLab")} https://${outputs.jupyter}`);
  terminal.line(
    faint(`Its kernels are sessions of ${String(outputs.sessionTemplate)}; the notebooks lie in sparklab/.`),
  );
  return 0;
}

/** As on Workbench at its start: what a person has changed stays, the lab's values are always the newest. */
async function deliver(bucket: string | undefined, folder: string): Promise<void> {
  if (!bucket)
    throw new UserError(
      "This stack has no notebooks bucket; expected a profile of the whole lab. npx sparklab profiles",
    );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [files] = await new Storage().bucket(bucket).getFiles({ prefix: "notebooks/" });
  for (const file of files) {
    const target = join(folder, file.name.slice("notebooks/".length));
    if (existsSync(target) && !target.endsWith("settings.json")) continue;
    writeFileSync(target, (await file.download())[0], { mode: 0o600 });
  }
}

function namesOf(asked: readonly string[], folder: string): string[] {
  const there = readdirSync(folder)
    .filter((file) => file.endsWith(".ipynb"))
    .map((file) => file.replace(/\.ipynb$/, ""))
    .sort();
  const named = asked.map((name) =>
    name
      .split("/")
      .at(-1)!
      .replace(/\.ipynb$/, ""),
  );
  const unknown = named.filter((name) => !there.includes(name));
  if (unknown.length > 0) throw new UserError(`Notebooks: got ${unknown.join(", ")}; expected ${there.join(", ")}.`);
  return named.length > 0 ? named : there;
}

/** Where the session is, and what opens it, for Jupyter's own client of remote kernels. */
function gatewayOf({ uuid, endpoint }: OpenSession, { lab, environment }: Context): NodeJS.ProcessEnv {
  const token = readFileSync(tokenFile(join(cloudFiles(lab.folder).cloud, "sessions", uuid)), "utf8");
  return { ...environment, JUPYTER_GATEWAY_URL: endpoint, JUPYTER_GATEWAY_AUTH_TOKEN: token };
}

async function jupyterLab(folder: string, session: OpenSession, context: Context): Promise<number> {
  const [token, port] = [randomBytes(24).toString("base64url"), await freePort(USUAL_PORT)];
  const own = join(folder, ".jupyter");
  mkdirSync(join(own, "runtime"), { recursive: true, mode: 0o700 });
  const environment = {
    ...gatewayOf(session, context),
    ...{ JUPYTER_TOKEN: token, JUPYTER_RUNTIME_DIR: join(own, "runtime") },
    ...{ JUPYTER_CONFIG_DIR: own, JUPYTER_DATA_DIR: own },
  };
  const settings = {
    ...{ "ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.port_retries": 0 },
    ...{ "ServerApp.root_dir": folder, "ServerApp.open_browser": "False", "ServerApp.log_level": "ERROR" },
    // Closing it is one Ctrl-C; a terminal would be a shell without the session's account.
    ...{ "ServerApp.answer_yes": "True", "ServerApp.terminals_enabled": "False", "ServerApp.allow_root": "True" },
    ...{ "LabApp.extension_manager": "readonly", "LabApp.news_url": "None" },
  };
  const words = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  context.terminal.line(`${heading("JupyterLab")} http://127.0.0.1:${port}/lab?token=${token}`);
  context.terminal.line(faint("Ctrl-C closes it and ends the session."));
  return spawnInherited(readTools().python.notebooks, ["-m", "jupyterlab", ...words], environment, folder);
}

const USUAL_PORT = 8888;

/** The usual port, or any that is free. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", () => (wanted === 0 ? reject(new Error("no port is free")) : resolve(freePort(0))));
    probe.listen(wanted, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

function execute(names: readonly string[], folder: string, session: OpenSession, context: Context): Promise<number> {
  const files = names.map((name) => join(folder, `${name}.ipynb`));
  const target = join(folder, "executed");
  mkdirSync(target, { recursive: true, mode: 0o700 });
  return spawnInherited(readTools().python.notebooks, [EXECUTE, target, ...files], gatewayOf(session, context), folder);
}
