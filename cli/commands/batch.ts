/** The gcloud command that submits the same batch as `npx sparklab run` does. */
import { batchId, batchOf } from "../batches";
import { readCatalogue } from "../catalogue";
import { asClient, type Context } from "../context";
import { readOutputs } from "../deployed";
import { EXIT } from "../exit-codes";
import { gcloudLine } from "../gcloud-line";
import { selectJobs, settingsOf } from "./run";

export interface BatchCommandRequest {
  stack: string;
  job: string;
  pipelineId?: string;
  modelVersion?: string;
}

export function batch(request: BatchCommandRequest, context: Context): Promise<number> {
  return asClient(context, request.stack, async () => {
    const outputs = await readOutputs(context.lab, request.stack);
    const [job] = selectJobs(readCatalogue(context.lab), [request.job]);
    const settings = await settingsOf([job!], outputs, request);
    const line = gcloudLine(batchOf(job!, outputs, settings), batchId(job!, settings.pipeline_id), outputs);
    context.terminal.line(line);
    return EXIT.done;
  });
}
