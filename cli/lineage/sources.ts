/** What lineage asks of the cloud, through Google's own APIs in either world, and of this checkout. */
import { createHash } from "node:crypto";
import { BigQuery } from "@google-cloud/bigquery";
import type { Context } from "../context";
import type { StackOutputs } from "../deployed";
import { readState, resourcesOf } from "../deployment-state";
import { ask, listAll } from "../google";
import type { Lab } from "../lab";
import type { DataFact, StackFact } from "./chain";
import { commitIn } from "./commit";
import type { ModelRow, PredictionRow, Sources } from "./trace";

const AT = "FORMAT_TIMESTAMP('%FT%TZ', pipeline_execution_dt) AS at";

export function cloudSources(
  { lab, environment }: Pick<Context, "lab" | "environment">,
  stack: string,
  outputs: StackOutputs,
): Sources {
  const { project, region } = outputs;
  const place = `projects/${project}/locations/${region}`;
  const vertex = `https://${region}-aiplatform.googleapis.com/v1`;
  return {
    ...tableSources(outputs),
    batch: async (id) => {
      const found = await orNothing<Batch>(
        ask("GET", `https://${region}-dataproc.googleapis.com/v1/${place}/batches/${id}`),
      );
      return found && factOfBatch(id, found);
    },
    pipelineJob: (id) => orNothing(ask<PipelineJob>("GET", `${vertex}/${place}/pipelineJobs/${id}`).then(factOfJob)),
    registered: async (version) => {
      const models = await listAll<{ name: string }>(`${vertex}/${place}/models`, "models");
      for (const { name } of models) {
        const versions = await listAll<ModelVersion>(`${vertex}/${name.split("@")[0]}:listVersions`, "models");
        const found = versions.find(({ labels }) => labels?.version === version);
        if (found) return `${found.name.split("@")[0]}@${found.versionId}`;
      }
      return undefined;
    },
    customersFile: () => customersFile(outputs.jobSettings.customers ?? ""),
    stack: () => stackNow(lab, stack, outputs.commit),
    commit: (hash) => commitIn(lab.root, hash, environment),
  };
}

async function customersFile(uri: string): Promise<Pick<DataFact, "uri" | "now">> {
  const [, bucket = "", object = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  const url = `https://storage.googleapis.com/storage/v1/b/${bucket}/o/${encodeURIComponent(object)}`;
  const found = await orNothing<StoredObject>(ask("GET", url));
  if (!found) return { uri };
  const { md5Hash, generation, timeCreated } = found;
  return { uri, now: { md5: Buffer.from(md5Hash, "base64").toString("hex"), generation, created: timeCreated } };
}

async function stackNow(lab: Lab, stack: string, commit: string): Promise<StackFact["now"]> {
  const state = await readState(lab, stack);
  const resources = resourcesOf(state);
  const { time = "" } = (state.deployment.manifest ?? {}) as { time?: string };
  const digest = createHash("sha256").update(JSON.stringify(resources)).digest("hex");
  return { digest, writtenAt: time, resources: resources.length, commit };
}

/** Rows of the lab's own tables. */
function tableSources({ project, region, tables }: StackOutputs) {
  const query = async <Row>(text: string, params: Record<string, string> = {}) =>
    (
      (await new BigQuery({ projectId: project }).query({ query: text, params, location: region })) as unknown as [
        Row[],
      ]
    )[0];
  const predictions = `\`${tables.batch_predictions}\``;
  const tracker = `\`${tables.model_asset_tracker}\``;
  return {
    newestPrediction: async (customer: string) =>
      (
        await query<PredictionRow>(
          `SELECT customer_id, prediction, probability, model_version, pipeline_id, batch_id, ${AT} FROM ${predictions} WHERE customer_id = @customer ORDER BY pipeline_execution_dt DESC, pipeline_id DESC LIMIT 1`,
          { customer },
        )
      )[0],
    scoredBy: (run: string) =>
      query<{ model_version: string; batch_id: string | null; rows: number }>(
        `SELECT model_version, MAX(batch_id) AS batch_id, COUNT(*) AS \`rows\` FROM ${predictions} WHERE pipeline_id = @run GROUP BY model_version ORDER BY model_version`,
        { run },
      ),
    models: (column: string, value: string) =>
      query<ModelRow>(
        `SELECT model_version, operation, model_gcs_uri, pipeline_id, batch_id, data_hash, stack, git_commit, ${AT} FROM ${tracker} WHERE ${column} = @value ORDER BY model_version`,
        { value },
      ),
    examples: async () => {
      const newest = "ORDER BY pipeline_execution_dt DESC LIMIT 1";
      const [[model], [scored]] = await Promise.all([
        query<{ model: string; run: string }>(
          `SELECT model_version AS model, pipeline_id AS run FROM ${tracker} ${newest}`,
        ),
        query<{ customer: string }>(`SELECT customer_id AS customer FROM ${predictions} ${newest}`),
      ]);
      return { ...model, ...scored };
    },
  };
}

interface Batch {
  state: string;
  createTime: string;
  labels?: Record<string, string>;
  runtimeConfig?: { version?: string };
  environmentConfig?: { executionConfig?: { serviceAccount?: string } };
}

function factOfBatch(id: string, { state, createTime, labels, runtimeConfig, environmentConfig }: Batch) {
  const serviceAccount = environmentConfig?.executionConfig?.serviceAccount;
  const pipelineJob = labels?.["pipeline-job"];
  return {
    ...{ id, state, createTime, runtime: runtimeConfig?.version ?? "" },
    ...(serviceAccount && { serviceAccount }),
    ...(pipelineJob && { pipelineJob }),
  };
}

interface PipelineJob {
  name: string;
  state: string;
  createTime: string;
  serviceAccount?: string;
}

const factOfJob = ({ name, state, createTime, serviceAccount }: PipelineJob) => ({
  ...{ name, state, createTime },
  ...(serviceAccount && { serviceAccount }),
});

interface ModelVersion {
  name: string;
  versionId: string;
  labels?: Record<string, string>;
}

interface StoredObject {
  md5Hash: string;
  generation: string;
  timeCreated: string;
}

/** Undefined for what is not there. */
async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: { status?: number; response?: { status?: number } }) => {
    if ((error.response?.status ?? error.status) !== 404) throw error;
    return undefined;
  });
}
