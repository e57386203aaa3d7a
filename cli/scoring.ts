/** Scores the customers whom training has not seen with a run's model, as a batch of the catalogue's job. */
import { batchId, batchOf, lastSeconds, runBatch } from "./batches";
import { readCatalogue } from "./catalogue";
import type { Context } from "./context";
import type { StackOutputs } from "./deployed";
import { bad, duration, faint, good } from "./terminal";

export const SCORING = "churn_scoring";
const TITLE = "Score the customers held out";

export interface Scoring {
  /** Whether it went well; if not, the reason has been told. */
  done: Promise<boolean>;
  underWay: () => string;
}

/** @param id of the pipeline run; the same run scores once */
export function beginScoring(id: string, version: string, outputs: StackOutputs, context: Context): Scoring {
  const began = Date.now();
  let before: number | undefined;
  const estimate = () => (before === undefined ? "" : `about ${duration(before)}`);
  const score = async () => {
    before = await lastSeconds(outputs, SCORING);
    return scoreNow(id, version, estimate(), outputs, context);
  };
  const passed = () => duration((Date.now() - began) / 1000);
  return { done: score(), underWay: () => [`${TITLE}: ${passed()}`, estimate()].filter(Boolean).join(" of ") };
}

async function scoreNow(
  id: string,
  version: string,
  estimate: string,
  outputs: StackOutputs,
  { lab, terminal }: Context,
): Promise<boolean> {
  const job = readCatalogue(lab).find(({ name }) => name === SCORING)!;
  const settings = {
    ...outputs.jobSettings,
    ...{ pipeline_id: id, model_version: version, tuning_search: "", execution_time: new Date().toISOString() },
  };
  const result = await runBatch(outputs, batchId(job, id), batchOf(job, outputs, settings), {
    state: (state) => state === "RUNNING" && terminal.line(`  running   ${TITLE}${estimate && faint(`  ${estimate}`)}`),
    output: () => undefined,
  });
  const isDone = result.state === "SUCCEEDED";
  const word = isDone ? good("done    ") : bad(result.state.toLowerCase());
  terminal.line(`  ${word}  ${TITLE}  ${faint(duration(result.seconds))}`);
  if (!isDone) terminal.note(`${result.message}\nnpx sparklab logs ${result.name.split("/").at(-1)}`);
  return isDone;
}
