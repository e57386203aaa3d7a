/** One customer of the run asked of the scoring API as any client asks it: by its address, with an identity token. */
import { setTimeout as pause } from "node:timers/promises";
import { BigQuery } from "@google-cloud/bigquery";
import type { StackOutputs } from "./deployed";
import { askService } from "./google";

export interface OnlinePrediction {
  customer: string;
  modelVersion: string;
  /** As the API answers. */
  prediction: Record<string, unknown>;
  milliseconds: number;
}

interface ModelDescription {
  version: string;
  inputs: { name: string }[];
}

/** The API looks for a new champion every ten seconds. */
const PATIENCE_MS = 30_000;

/**
 * Predicts for the first customer that the run holds for scoring.
 * @param champion version that must answer; without one whichever does
 */
export async function predictOnline(
  url: string,
  outputs: StackOutputs,
  pipelineId: string,
  champion?: string,
): Promise<OnlinePrediction> {
  const model = await answering(url, champion);
  const names = model.inputs.map(({ name }) => name);
  const [[row]] = (await new BigQuery({ projectId: outputs.project }).query({
    query: `SELECT customer_id, ${names.join(", ")} FROM \`${outputs.tables.batch_scoring_candidates}\` WHERE pipeline_id = @pipeline ORDER BY customer_id LIMIT 1`,
    params: { pipeline: pipelineId },
    location: outputs.region,
  })) as unknown as [Record<string, unknown>[]];
  if (!row) throw new Error(`${outputs.tables.batch_scoring_candidates}: got no row of run ${pipelineId}.`);
  const { customer_id: customer, ...features } = row;
  const began = performance.now();
  const answer = await askService<{ predictions: Record<string, unknown>[] }>(url, "/v1/predict", {
    instances: [features],
  });
  const milliseconds = performance.now() - began;
  const [prediction = {}] = answer.predictions;
  return { customer: String(customer), modelVersion: model.version, prediction, milliseconds };
}

async function answering(url: string, champion: string | undefined): Promise<ModelDescription> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const model = await askService<ModelDescription>(url, "/v1/model");
    if (champion === undefined || model.version === champion) return model;
    if (Date.now() > deadline)
      throw new Error(`${url}: got model ${model.version}; expected the champion ${champion} to answer.`);
    await pause(500);
  }
}
