/** Lineage from what the tables and services say, and the tree that a person sees. */
import { stripVTControlCharacters } from "node:util";
import { commitOf } from "./chain";
import { type ModelRow, type PredictionRow, type Sources, trace } from "./trace";
import { lineageTree } from "./tree";

const MD5 = "5d41402abc4b2a76b9719d911017c592";
const COMMIT = "0f".repeat(20);

const trained = (changes: Partial<ModelRow> = {}): ModelRow => ({
  ...{ model_version: "run-1", operation: "training", model_gcs_uri: "gs://models/run-1", pipeline_id: "run-1" },
  ...{ batch_id: "churn-training-run-1", data_hash: MD5, stack: "dev", git_commit: COMMIT, at: "2026-11-21T09:00:00Z" },
  ...changes,
});
const tuned = trained({
  model_version: "run-1-tuned",
  operation: "hyperparameter-tuning",
  batch_id: "churn-tuning-run-1",
});
const prediction: PredictionRow = {
  ...{ customer_id: "7590-VHVEG", prediction: 1, probability: 0.61, model_version: "run-1", pipeline_id: "run-2" },
  ...{ batch_id: "churn-scoring-run-2", at: "2026-11-22T09:00:00Z" },
};

function sources(rows: readonly ModelRow[], changes: Partial<Sources> = {}): Sources {
  return {
    newestPrediction: async (customer) => (customer === prediction.customer_id ? prediction : undefined),
    scoredBy: async (run) =>
      run === "run-2" ? [{ model_version: "run-1", batch_id: "churn-scoring-run-2", rows: 411 }] : [],
    models: async (column, value) => rows.filter((row) => row[column] === value),
    examples: async () => ({ customer: "7590-VHVEG", model: "run-1-tuned", run: "run-1" }),
    batch: async (id) => ({ id, state: "SUCCEEDED", createTime: "2026-11-21T09:00:05Z", runtime: "2.3" }),
    pipelineJob: async (id) => ({ name: `p/pipelineJobs/${id}`, state: "PIPELINE_STATE_SUCCEEDED", createTime: "t" }),
    registered: async (version) => (version === "run-1" ? "p/models/churn@3" : undefined),
    customersFile: async () => ({ uri: "gs://raw/customers.csv", now: { md5: MD5, generation: "17", created: "t" } }),
    stack: async () => ({ digest: "ab".repeat(32), writtenAt: "2026-11-21T08:00:00Z", resources: 232, commit: COMMIT }),
    commit: () => ({ subject: "Scores everybody", at: "2026-11-20T10:00:00Z" }),
    ...changes,
  };
}
const tree = async (id: string, from: Sources) => stripVTControlCharacters(lineageTree(await trace(id, from)));

it("leads from a scored customer to the commit", async () => {
  expect(await tree("7590-VHVEG", sources([trained(), tuned]))).toBe(
    `customer 7590-VHVEG  leaves, probability of leaving 0.6100  run run-2, 2026-11-22T09:00:00Z
├─ scored by batch churn-scoring-run-2  SUCCEEDED  2026-11-21T09:00:05Z, runtime 2.3
└─ model run-1  training, gs://models/run-1
   ├─ registered as p/models/churn@3
   ├─ made by batch churn-training-run-1  SUCCEEDED  2026-11-21T09:00:05Z, runtime 2.3
   ├─ data gs://raw/customers.csv  md5 ${MD5}  unchanged  generation 17
   ├─ pipeline job run-1  PIPELINE_STATE_SUCCEEDED  t
   └─ stack dev  state abababababab of 2026-11-21T08:00:00Z, 232 resources
      └─ commit ${COMMIT}  Scores everybody  2026-11-20T10:00:00Z`,
  );
});

it("names both models of a run that was tuned, and the earlier model of a run that only scored", async () => {
  const both = await trace("run-1", sources([trained(), tuned]));
  expect(both.asked).toEqual({ kind: "run", id: "run-1" });
  expect(both.models.map(({ version }) => version)).toEqual(["run-1", "run-1-tuned"]);
  const scored = await trace("run-2", sources([trained()]));
  expect(scored).toMatchObject({ scored: { rows: 411 }, scoring: { id: "churn-scoring-run-2" } });
  expect(scored.models.map(({ version }) => version)).toEqual(["run-1"]);
});

it("starts at a model's own line when a model is asked for", async () => {
  const text = await tree("run-1-tuned", sources([trained(), tuned]));
  expect(text.split("\n")[0]).toBe("model run-1-tuned  hyperparameter-tuning, gs://models/run-1");
});

it("says what is not as it was: file, batch, pipeline job, stack, commit", async () => {
  const gone = sources([trained({ git_commit: `${COMMIT}-dirty` })], {
    batch: async () => undefined,
    pipelineJob: async () => undefined,
    registered: async () => undefined,
    customersFile: async () => ({ uri: "gs://raw/customers.csv", now: { md5: "00", generation: "18", created: "t" } }),
    commit: () => ({ untold: "no git on PATH to ask" }),
  });
  const text = await tree("run-1", gone);
  for (const told of [
    "made by batch churn-training-run-1  deleted since",
    "has changed since: now md5 00  generation 18",
    "no pipeline job: the batches were submitted one by one",
    `deployed from ${COMMIT} since`,
    `commit ${COMMIT}  no git on PATH to ask  dirty: deployed files differed from it`,
  ])
    expect(text).toContain(told);
  expect(text).not.toContain("registered");
});

it("says what rows from before do not tell", async () => {
  const old = trained({ batch_id: null, data_hash: null, stack: null, git_commit: null });
  const text = await tree("run-1", sources([old], { customersFile: async () => ({ uri: "gs://raw/customers.csv" }) }));
  expect(text).toContain("hash not recorded  the object is no longer there");
  expect(text).toContain("stack not recorded");
  expect(text).toContain("commit not recorded: no git, or no checkout, where it was deployed from");
  expect(text).not.toContain("made by batch");
});

it("asks for the pipeline job that the batch is labelled with", async () => {
  const batch = async (id: string) => ({ id, state: "SUCCEEDED", pipelineJob: "other-7" });
  const found = await trace("run-1", sources([trained()], { batch }));
  expect(found.models[0]).toMatchObject({
    pipelineJob: { name: "p/pipelineJobs/other-7" },
    batch: { state: "SUCCEEDED" },
  });
  expect(found.models[0]?.batch).not.toHaveProperty("pipelineJob");
});

it("refuses an unknown id with one of each kind, and says so where there is nothing yet", async () => {
  await expect(trace("nobody", sources([]))).rejects.toThrow(
    'Lineage: got "nobody"; expected a customer that has been scored, such as 7590-VHVEG; a model\'s version, such as run-1-tuned; or the id of a run, such as run-1. npx sparklab lineage 7590-VHVEG',
  );
  await expect(trace("nobody", sources([], { examples: async () => ({}) }))).rejects.toThrow(
    'Lineage: got "nobody"; nothing has been trained or scored yet. npx sparklab run',
  );
});

it.each([
  [COMMIT, { hash: COMMIT, dirty: false }],
  [`${COMMIT}-dirty`, { hash: COMMIT, dirty: true }],
  ["unknown", { hash: null, dirty: false }],
  [null, { hash: null, dirty: false }],
])("reads the recorded commit %s", (text, expected) => expect(commitOf(text)).toEqual(expected));
