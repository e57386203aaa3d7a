/** Runs a notebook of the stack as a batch: what its schedule submits, now. */
import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Storage } from "@google-cloud/storage";
import { gaxios } from "google-auth-library";
import { followBatch, type BatchResult } from "../batches";
import { asClient, type Context } from "../context";
import { readOutputs, type StackOutputs } from "../deployed";
import { ask } from "../google";
import { UserError } from "../lab";
import { install } from "../on-demand";
import type { NotebookRunRequest } from "../requests";
import { faint, good, heading } from "../terminal";
import { newPipelineId } from "./run";

const FOLDER = "notebooks/";

export async function notebookRun(request: NotebookRunRequest, context: Context): Promise<number> {
  const parameters = parametersOf(request.parameter ?? []);
  const installed = await install("notebooks", request.stack, context);
  if (installed !== 0) return installed;
  return asClient(context, request.stack, async () => {
    const { lab, terminal } = context;
    const outputs = await readOutputs(lab, request.stack);
    const notebook = await deliveredNotebook(request.notebook, outputs);
    const id = `notebook-${basename(notebook, ".ipynb")}-${newPipelineId(new Date())}`
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, "-");
    terminal.line(`${heading("Batch")} ${id} ${faint(notebook)}`);
    await submit(id, notebook, parameters, outputs);
    const result = await followBatch(outputs, id, {
      state: (state, message) => terminal.line(`  ${state}${message ? `  ${message}` : ""}`),
      output: (text) => terminal.raw(faint(text.replace(/^(?=.)/gm, "    "))),
    });
    const kept = await keepExecuted(result, join(lab.folder, "notebooks", "executed"));
    terminal.line(kept ? `  ${good("kept")} ${kept}` : `  The service kept no notebook beside ${result.outputUri}.`);
    if (result.state === "SUCCEEDED") return 0;
    terminal.note(`${basename(notebook)} ended as ${result.state}: ${result.message}`);
    return 1;
  });
}

/** @throws UserError that names every word which is none */
function parametersOf(words: readonly string[]): Record<string, string> {
  const wrong = words.filter((word) => !/^[^=]+=/.test(word));
  if (wrong.length > 0)
    throw new UserError(`--parameter: got ${wrong.join(", ")}; expected name=value, as in --parameter rows=5.`);
  return Object.fromEntries(words.map((word) => [word.split("=", 1)[0]!, word.slice(word.indexOf("=") + 1)]));
}

/** The batch's account reads a notebook where the stack delivers it, and nowhere else. */
async function deliveredNotebook(asked: string, outputs: StackOutputs): Promise<string> {
  const bucket = outputs.buckets.notebooks;
  if (!bucket)
    throw new UserError(
      "This stack has no notebooks bucket; expected a profile of the whole lab. npx sparklab profiles",
    );
  const [files] = await new Storage().bucket(bucket).getFiles({ prefix: FOLDER });
  const there = files.map(({ name }) => name).filter((name) => name.endsWith(".ipynb"));
  const wanted = `${FOLDER}${basename(asked, ".ipynb")}.ipynb`;
  if (there.includes(wanted)) return `gs://${bucket}/${wanted}`;
  throw new UserError(
    `Notebook: got ${asked}; expected ${there.map((name) => basename(name, ".ipynb")).join(", ")}. ` +
      "A new file in notebooks/ is delivered by npx sparklab up.",
  );
}

/** By REST: Google's client for Node knows batches of programs only. */
async function submit(id: string, notebook: string, params: Record<string, string>, outputs: StackOutputs) {
  const { project, region, spark, environment, commit } = outputs;
  if (!spark.notebook) throw new UserError("This stack was deployed before notebooks ran as batches. npx sparklab up");
  const url = `https://${region}-dataproc.googleapis.com/v1/projects/${project}/locations/${region}/batches?batchId=${id}`;
  const batch = { pysparkNotebookBatch: { notebookFileUri: notebook, params }, ...spark.notebook };
  await ask("POST", url, { labels: { job: "notebook", environment, commit }, ...batch }).catch((error: unknown) => {
    const refused = error instanceof gaxios.GaxiosError && error.status !== undefined && error.status < 500;
    throw refused ? new UserError(`Batch ${id}: ${error.message}`) : error;
  });
}

/** What the batch left beside its driver's output; undefined if it left none. */
async function keepExecuted({ outputUri }: BatchResult, folder: string): Promise<string | undefined> {
  const [, bucket, prefix] = /^gs:\/\/([^/]+)\/(.+\/)/.exec(outputUri) ?? [];
  if (!bucket) return undefined;
  const [files] = await new Storage().bucket(bucket).getFiles({ prefix });
  const executed = files.find(({ name }) => name.endsWith(".ipynb"));
  if (!executed) return undefined;
  const target = join(folder, basename(executed.name));
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  await executed.download({ destination: target });
  return target;
}
