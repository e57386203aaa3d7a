/** Follows a customer, a model or a run back through what the tables and Google's services know of it. */
import { UserError } from "../lab";
import { type BatchFact, commitOf, type Lineage, type ModelFact, type StackFact } from "./chain";
import type { ToldCommit } from "./commit";

/** A row of batch_predictions, as far as lineage goes. */
export interface PredictionRow {
  customer_id: string;
  prediction: number;
  probability: number;
  model_version: string;
  pipeline_id: string;
  batch_id: string | null;
  at: string;
}

/** A row of model_asset_tracker, as far as lineage goes. */
export interface ModelRow {
  model_version: string;
  operation: string;
  model_gcs_uri: string;
  pipeline_id: string;
  batch_id: string | null;
  data_hash: string | null;
  stack: string | null;
  git_commit: string | null;
  at: string;
}

/** What is asked of the cloud; each gives undefined, or nothing, for what is not there. */
export interface Sources {
  newestPrediction: (customer: string) => Promise<PredictionRow | undefined>;
  scoredBy: (pipelineId: string) => Promise<{ model_version: string; batch_id: string | null; rows: number }[]>;
  models: (column: "model_version" | "pipeline_id", value: string) => Promise<ModelRow[]>;
  /** Ids that can be asked for: one of each kind, the newest. */
  examples: () => Promise<{ customer?: string; model?: string; run?: string }>;
  batch: (id: string) => Promise<(BatchFact & { pipelineJob?: string }) | undefined>;
  pipelineJob: (id: string) => Promise<ModelFact["pipelineJob"]>;
  registered: (version: string) => Promise<string | undefined>;
  customersFile: () => Promise<Pick<ModelFact["data"], "uri" | "now">>;
  stack: () => Promise<StackFact["now"]>;
  commit: (hash: string) => ToldCommit;
}

/** @throws UserError for an id that nothing is known of */
export async function trace(id: string, sources: Sources): Promise<Lineage> {
  return (
    (await ofCustomer(id, sources)) ?? (await ofRun(id, sources)) ?? (await ofModel(id, sources)) ?? refuse(id, sources)
  );
}

async function ofCustomer(id: string, sources: Sources): Promise<Lineage | undefined> {
  const row = await sources.newestPrediction(id);
  if (!row) return undefined;
  const { customer_id: customer, prediction, probability, pipeline_id: pipelineId, at } = row;
  const [scoring, models] = await Promise.all([batchOf(row.batch_id, sources), modelsOf([row.model_version], sources)]);
  return {
    asked: { kind: "customer", id },
    prediction: { customer, prediction, probability, pipelineId, at },
    ...(scoring && { scoring }),
    models,
  };
}

async function ofRun(id: string, sources: Sources): Promise<Lineage | undefined> {
  const [made, scored] = await Promise.all([sources.models("pipeline_id", id), sources.scoredBy(id)]);
  if (made.length === 0 && scored.length === 0) return undefined;
  const scoring = await batchOf(scored[0]?.batch_id ?? null, sources);
  const used = scored.map((one) => one.model_version).filter((v) => !made.some((row) => row.model_version === v));
  const models = [...(await Promise.all(made.map((row) => factOf(row, sources)))), ...(await modelsOf(used, sources))];
  const rows = scored.reduce((sum, one) => sum + one.rows, 0);
  return {
    asked: { kind: "run", id },
    ...(rows > 0 && { scored: { rows, pipelineId: id } }),
    ...(scoring && { scoring }),
    models,
  };
}

async function ofModel(id: string, sources: Sources): Promise<Lineage | undefined> {
  const models = await modelsOf([id], sources);
  return models.length > 0 ? { asked: { kind: "model", id }, models } : undefined;
}

async function refuse(id: string, sources: Sources): Promise<never> {
  const { customer, model, run } = await sources.examples();
  if (!model) throw new UserError(`Lineage: got "${id}"; nothing has been trained or scored yet. npx sparklab run`);
  const such = (example: string | undefined) => (example ? `, such as ${example}` : "");
  throw new UserError(
    `Lineage: got "${id}"; expected a customer that has been scored${such(customer)}; a model's version${such(model)}; or the id of a run${such(run)}. npx sparklab lineage ${customer ?? model}`,
  );
}

async function modelsOf(versions: readonly string[], sources: Sources): Promise<ModelFact[]> {
  const rows = await Promise.all(versions.map((version) => sources.models("model_version", version)));
  return Promise.all(rows.flat().map((row) => factOf(row, sources)));
}

async function batchOf(id: string | null, sources: Sources): Promise<BatchFact | undefined> {
  if (id === null) return undefined;
  const { pipelineJob: _, ...batch } = (await sources.batch(id)) ?? { id };
  return batch;
}

async function factOf(row: ModelRow, sources: Sources): Promise<ModelFact> {
  const found = row.batch_id === null ? undefined : ((await sources.batch(row.batch_id)) ?? { id: row.batch_id });
  const { pipelineJob: named, ...batch } = { pipelineJob: undefined, ...found } as BatchFact & { pipelineJob?: string };
  // A job that the function starts has the run's id; the batch's label says so where the job was named otherwise.
  const [pipelineJob, registered, data, now] = await Promise.all([
    sources.pipelineJob(named ?? row.pipeline_id),
    sources.registered(row.model_version),
    sources.customersFile(),
    sources.stack(),
  ]);
  const commit = commitOf(row.git_commit);
  return {
    version: row.model_version,
    operation: row.operation,
    uri: row.model_gcs_uri,
    pipelineId: row.pipeline_id,
    at: row.at,
    ...(registered && { registered }),
    ...(found && { batch }),
    data: { ...data, md5: row.data_hash },
    ...(pipelineJob && { pipelineJob }),
    stack: { name: row.stack, now },
    commit: { ...commit, ...(commit.hash ? sources.commit(commit.hash) : {}) },
  };
}
