/** Fires the training as Cloud Scheduler does and follows it: pipeline, scoring of the customers held out, one online prediction. */
import { batchId, batchOf, runBatch } from "../batches";
import { readCatalogue, type Job } from "../catalogue";
import { asClient, type Context } from "../context";
import { readOutputs, type StackOutputs } from "../deployed";
import { EXIT } from "../exit-codes";
import type { Lab } from "../lab";
import { followRun } from "../follow-run";
import { cloudSources } from "../lineage/sources";
import { trace } from "../lineage/trace";
import { lineageTree } from "../lineage/tree";
import { predictOnline } from "../online";
import { summary } from "../summary";
import { dag } from "./dag";
import { bad, duration, faint, good, heading } from "../terminal";
import { hasEnded, idOf, type PipelineJob, TrainingRuns } from "../training-run";

const SCORING = "churn_scoring";

export interface TrainRequest {
  stack: string;
  /** A further run of the day, though the last one went well. */
  again: boolean;
  /** What scores the customers held out: a batch, the DAG of the lab's Airflow, or nothing. */
  scoring: "batch" | "dag" | "none";
}

const SCORING_DAG = "churn_batch_scoring";

export async function train(request: TrainRequest, context: Context): Promise<number> {
  const { stack, again, scoring } = request;
  if (scoring === "dag") {
    const words = ["train", "-s", stack, "--scoring", "none", ...(again ? ["--again"] : [])];
    const code = await train({ ...request, scoring: "none" }, { ...context, words });
    if (code !== 0) return code;
    context.terminal.line(`\n${heading("Scoring")} by the DAG ${SCORING_DAG}`);
    const order = { command: "dag", action: "run", dag: SCORING_DAG, stack, quiet: true } as const;
    return dag(order, { ...context, words: ["dag", "run", SCORING_DAG, "-s", stack, "--quiet"] });
  }
  return asClient(context, stack, async () => {
    const { terminal, lab } = context;
    const outputs = await readOutputs(lab, stack);
    const runs = new TrainingRuns(outputs);
    const id = idOf(await begin(runs, again, context));
    terminal.line(`${heading("Pipeline run")} ${id}`);
    const job = await untilStopped(followRun(runs, id, terminal), context);
    if (!job.state.endsWith("_SUCCEEDED")) {
      terminal.note(
        `${bad(`Pipeline run ${id} ended as ${job.state}`)}\n${job.error?.message ?? ""}\n${adviceOf(id, stack)}`,
      );
      return 1;
    }
    const verdict = verdictOf(job);
    if (!verdict)
      terminal.line("\nThe model is not good enough (sparklab:qualityThreshold): nothing is exported or scored.");
    else {
      terminal.line(`\n${verdict.version} is ${verdict.role}. ${verdict.reason}`);
      if (scoring === "batch" && !(await score(id, verdict.version, outputs, context))) return 1;
      const customer = await askOnline(id, verdict, outputs, context);
      if (customer && scoring === "batch") {
        terminal.line(`\n${heading("Where that comes from")}  ${faint(`npx sparklab lineage ${customer}`)}`);
        terminal.line(lineageTree(await trace(customer, cloudSources(lab, stack, outputs))));
      }
    }
    terminal.line(`\n${await summary(outputs, id, writtenBy(lab, job), verdict?.version)}`);
    return 0;
  });
}

/** Ctrl-C ends the looking, not the run. */
async function untilStopped<T>(work: Promise<T>, { terminal }: Context): Promise<T> {
  const stop = () => {
    terminal.note("The run goes on in the cloud; the same command follows it again.");
    process.exit(EXIT.stopped);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    return await work;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

/** The run that is under way; else the day's run as the schedule starts it; a further attempt after one that failed. */
export async function begin(runs: TrainingRuns, again: boolean, { terminal }: Context): Promise<PipelineJob> {
  const running = (await runs.list()).find((job) => !hasEnded(job));
  if (running) {
    terminal.line("A training run is under way: it is followed.");
    return running;
  }
  const day = new Date().toISOString().slice(0, 10);
  const before = await runs.ofDay(day);
  terminal.line("Firing the schedule: Cloud Scheduler calls the function, which starts the pipeline.");
  await terminal.wait("Waiting for the function", runs.fire());
  const job = await runs.ofDay(day);
  if (!job) throw new Error(`Pipeline runs of ${day}: got none after the function had answered; expected one.`);
  const isOld = before !== undefined && job.name === before.name && hasEnded(job);
  if (!isOld) return job;
  if (job.state.endsWith("_SUCCEEDED") && !again) {
    terminal.line(`The day's run was there already: the same order is the same run. ${faint("--again makes another")}`);
    return job;
  }
  terminal.line(`Run ${idOf(job)} ended as ${job.state}: asking for another attempt through the topic.`);
  return terminal.wait("Waiting for the function", runs.again(job, day));
}

/** Tables of the jobs that the run came to. */
function writtenBy(lab: Lab, { jobDetail }: PipelineJob): string[] {
  const ran = (job: Job) =>
    job.name === SCORING ||
    jobDetail?.taskDetails?.some(({ taskName, state }) => taskName === titleOf(job) && state === "SUCCEEDED");
  return [
    ...new Set(
      readCatalogue(lab)
        .filter(ran)
        .flatMap(({ writes }) => writes),
    ),
  ];
}

/** As the pipeline names the job's task. */
const titleOf = ({ name }: Job) => `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll("_", " ")}`;

interface Verdict {
  version: string;
  role: string;
  reason: string;
}

/** What the pipeline decided about the model; undefined when it was not good enough to be decided about. */
function verdictOf({ jobDetail }: PipelineJob): Verdict | undefined {
  const task = jobDetail?.taskDetails?.find(({ taskName }) => taskName === "Champion or challenger");
  const { metadata } = task?.execution ?? {};
  const text = (name: string) => {
    const value = metadata?.[`output:${name}`];
    return typeof value === "string" ? value : "";
  };
  return text("version") ? { version: text("version"), role: text("role"), reason: text("reason") } : undefined;
}

async function score(id: string, version: string, outputs: StackOutputs, { lab, terminal }: Context): Promise<boolean> {
  const job = readCatalogue(lab).find(({ name }) => name === SCORING)!;
  const settings = {
    ...outputs.jobSettings,
    ...{ pipeline_id: id, model_version: version, tuning_search: "", execution_time: new Date().toISOString() },
  };
  terminal.line(`\n${heading("Scoring")} the customers whom training has not seen`);
  const result = await runBatch(outputs, batchId(job, id), batchOf(job, outputs, settings), {
    state: (state) => state === "RUNNING" && terminal.line(`  running   ${job.name}`),
    output: () => undefined,
  });
  const took = faint(duration(result.seconds));
  const isDone = result.state === "SUCCEEDED";
  terminal.line(`  ${isDone ? good("done    ") : bad(result.state.toLowerCase())}  ${job.name}  ${took}`);
  if (!isDone) terminal.note(`${result.message}\nnpx sparklab logs ${result.name.split("/").at(-1)}`);
  return isDone;
}

/** @returns the customer who was asked about; none without a scoring API */
async function askOnline(
  id: string,
  { version, role }: Verdict,
  outputs: StackOutputs,
  { terminal }: Context,
): Promise<string | undefined> {
  if (!outputs.scoringUrl) return undefined;
  const asked = predictOnline(outputs.scoringUrl, outputs, id, role === "champion" ? version : undefined);
  const { customer, modelVersion, prediction, milliseconds } = await terminal.wait("Asking the scoring API", asked);
  terminal.line(`\n${heading("Online")} ${outputs.scoringUrl}/v1/predict`);
  terminal.line(`  customer ${customer}: ${JSON.stringify(prediction)}`);
  terminal.line(`  ${faint(`model ${modelVersion}, ${milliseconds.toFixed(0)} ms`)}`);
  return customer;
}

const adviceOf = (id: string, stack: string) => {
  const where = stack === "local" ? "" : ` -s ${stack}`;
  return `npx sparklab logs${where} shows the newest batch; npx sparklab train${where} tries again (run ${id})`;
};
