/** Runs the catalogue's jobs as batches, one after the other, and says what came of them. */
import { batchId, batchOf, runBatch, type BatchResult } from "../batches";
import { readCatalogue, type Job } from "../catalogue";
import { asClient, type Context } from "../context";
import { UserError } from "../lab";
import { readOutputs, type StackOutputs } from "../deployed";
import { newestModel, summary } from "../summary";
import { bad, duration, faint, good, heading } from "../terminal";

export interface RunRequest {
  stack: string;
  jobs: string[];
  pipelineId?: string;
  modelVersion?: string;
  quiet: boolean;
}

export function run(request: RunRequest, context: Context): Promise<number> {
  return asClient(context, request.stack, async () => {
    const { terminal } = context;
    const outputs = await readOutputs(context.lab, request.stack);
    const jobs = selectJobs(readCatalogue(context.lab), request.jobs);
    const settings = await settingsOf(jobs, outputs, request);
    const pipelineId = settings.pipeline_id;
    terminal.line(
      `${heading("Pipeline run")} ${pipelineId} ${faint(`(resume: npx sparklab run --pipeline-id ${pipelineId})`)}`,
    );
    for (const job of jobs) {
      terminal.line(`\n${heading(job.name)}  ${faint(job.description)}`);
      const result = await runBatch(outputs, batchId(job, pipelineId), batchOf(job, outputs, settings), {
        state: (state, message) => terminal.line(`  ${state}${message ? `  ${message}` : ""}`),
        output: (text) => request.quiet || terminal.raw(faint(text.replace(/^(?=.)/gm, "    "))),
      });
      terminal.line(`  ${closing(result)}`);
      if (result.state !== "SUCCEEDED") {
        terminal.note(
          `${job.name} ended as ${result.state}: ${result.message}\nnpx sparklab logs ${result.name.split("/").at(-1)}${request.stack === "local" ? "" : ` -s ${request.stack}`}`,
        );
        return 1;
      }
    }
    terminal.line(`\n${await summary(outputs, pipelineId, [...new Set(jobs.flatMap(({ writes }) => writes))])}`);
    return 0;
  });
}

/** Values for the placeholders of the jobs' arguments: the stack's, and those of this run. */
export async function settingsOf(
  jobs: readonly Job[],
  outputs: StackOutputs,
  { pipelineId, modelVersion }: Pick<RunRequest, "pipelineId" | "modelVersion">,
) {
  const now = new Date();
  const id = pipelineId ?? newPipelineId(now);
  return {
    ...outputs.jobSettings,
    pipeline_id: id,
    model_version: modelVersion ?? (usesEarlierModel(jobs) ? await newestModel(outputs) : id),
    tuning_search: "small",
    execution_time: now.toISOString(),
  };
}

/** The jobs that run when none is named. */
const DEFAULT_PIPELINE = "churn_training";

/** Jobs by name in catalogue order; the training pipeline's when none is named. @throws UserError that names every unknown one */
export function selectJobs(catalogue: readonly Job[], names: readonly string[]): Job[] {
  const unknown = names.filter((name) => !catalogue.some((job) => job.name === name));
  if (unknown.length > 0) {
    throw new UserError(
      `Jobs: got ${unknown.join(", ")}; expected ${catalogue.map((job) => job.name).join(", ")}. npx sparklab run`,
    );
  }
  return catalogue.filter((job) => (names.length === 0 ? job.pipeline === DEFAULT_PIPELINE : names.includes(job.name)));
}

/** Whether these jobs take a model that none of them trains. */
export function usesEarlierModel(jobs: readonly Job[]): boolean {
  const takes = jobs.some((job) =>
    Object.values(job.arguments).some((template) => template.includes("{model_version}")),
  );
  return takes && !jobs.some(({ writes }) => writes.includes("model_asset_tracker"));
}

/** A pipeline id from the time, in UTC, to the second: `20261121-134500`. */
export function newPipelineId(now: Date): string {
  return now.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
}

function closing({ state, seconds, milliDcuSeconds }: BatchResult): string {
  const usage = `${duration(seconds)}, ${(milliDcuSeconds / 3_600_000).toFixed(4)} DCU-hours`;
  return state === "SUCCEEDED" ? good(`done in ${usage}`) : bad(`${state.toLowerCase()} after ${usage}`);
}
