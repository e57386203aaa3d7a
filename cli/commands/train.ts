/** Fires the training as Cloud Scheduler does and follows it: pipeline, scoring of the customers held out, one online prediction. */
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
import { beginScoring, SCORING, type Scoring } from "../scoring";
import { summary } from "../summary";
import { dag } from "./dag";
import { bad, faint, heading } from "../terminal";
import { hasEnded, idOf, type PipelineJob, TrainingRuns } from "../training-run";

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
    const { job, scored } = await untilStopped(followAndScore(runs, id, outputs, request, context), context);
    if (!job.state.endsWith("_SUCCEEDED")) {
      terminal.note(
        `${bad(`Pipeline run ${id} ended as ${job.state}`)}\n${job.error?.message ?? ""}\n${adviceOf(id, stack)}`,
      );
      return 1;
    }
    const verdict = verdictOf(job);
    if (verdict) {
      terminal.line(`\n${verdict.version} is ${verdict.role}. ${verdict.reason}`);
      if (!scored) return 1;
      await askAndTrace(id, verdict, outputs, request, context);
    } else terminal.line("\nThe model is not good enough (sparklab:qualityThreshold): nothing is exported or scored.");
    terminal.line(`\n${await summary(outputs, id, writtenBy(lab, job, scoring), verdict?.version)}`);
    return 0;
  });
}

/** Follows the run to its end. The model that it decides for is scored with at once, beside the steps that are left. */
async function followAndScore(
  runs: TrainingRuns,
  id: string,
  outputs: StackOutputs,
  request: TrainRequest,
  context: Context,
): Promise<{ job: PipelineJob; scored: boolean }> {
  let scoring: Scoring | undefined;
  const job = await followRun(runs, id, context.terminal, (seen) => {
    const version = request.scoring === "batch" && verdictOf(seen)?.version;
    if (!version || scoring) return;
    scoring = beginScoring(id, version, outputs, context);
    scoring.done.catch(() => undefined); // whoever waits for it below hears of it
  });
  return { job, scored: scoring ? await context.terminal.wait(scoring.underWay, scoring.done) : true };
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
  const before = await runs.list();
  const running = before.find((job) => !hasEnded(job));
  if (running) {
    terminal.line("A training run is under way: it is followed.");
    return running;
  }
  const known = new Set(before.map(({ name }) => name));
  terminal.line("Firing the schedule: Cloud Scheduler calls the function, which starts the pipeline.");
  const days = await terminal.wait("Waiting for the function", runs.fire());
  const job = await runs.of(days);
  if (!job)
    throw new Error(`Pipeline runs of ${days.join(", ")}: got none after the function had answered; expected one.`);
  if (!known.has(job.name) || !hasEnded(job)) return job;
  if (job.state.endsWith("_SUCCEEDED") && !again) {
    terminal.line(`The day's run was there already: the same order is the same run. ${faint("--again makes another")}`);
    return job;
  }
  terminal.line(`Run ${idOf(job)} ended as ${job.state}: asking for another attempt through the topic.`);
  return terminal.wait("Waiting for the function", runs.again(job));
}

/** Tables of the jobs that the run came to, and of the batch that scored for it. */
function writtenBy(lab: Lab, { jobDetail }: PipelineJob, scoring: TrainRequest["scoring"]): string[] {
  const ran = (job: Job) =>
    (job.name === SCORING && scoring === "batch") ||
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

/** Asks the scoring API, where there is one, about a customer, and tells where a row of the batch for that one comes from. */
async function askAndTrace(
  id: string,
  { version, role }: Verdict,
  outputs: StackOutputs,
  { stack, scoring }: TrainRequest,
  context: Context,
): Promise<void> {
  if (!outputs.scoringUrl) return;
  const { terminal } = context;
  const asked = predictOnline(outputs.scoringUrl, outputs, id, role === "champion" ? version : undefined);
  const { customer, modelVersion, prediction, milliseconds } = await terminal.wait("Asking the scoring API", asked);
  terminal.line(`\n${heading("Online")} ${outputs.scoringUrl}/v1/predict`);
  terminal.line(`  customer ${customer}: ${JSON.stringify(prediction)}`);
  terminal.line(`  ${faint(`model ${modelVersion}, ${milliseconds.toFixed(0)} ms`)}`);
  if (scoring !== "batch") return;
  terminal.line(`\n${heading("Where that comes from")}  ${faint(`npx sparklab lineage ${customer}`)}`);
  terminal.line(lineageTree(await trace(customer, cloudSources(context, stack, outputs))));
}

const adviceOf = (id: string, stack: string) => {
  const where = stack === "local" ? "" : ` -s ${stack}`;
  return `npx sparklab logs${where} shows the newest batch; npx sparklab train${where} tries again (run ${id})`;
};
