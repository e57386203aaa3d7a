/** The whole program: what each profile declares equals the reviewed inventory; each feature can be on or off; who may do what. */
import { readFileSync } from "node:fs";
import { record, type Recording } from "../components/record";
import { FEATURE_NAMES, FEATURES, PROFILE_NAMES, type Feature, type Profile } from "./config/features";
import { inventory, profileConfig } from "./inventory";
import { lab } from "./lab";

/** Functions for tests, so that what delivers one can be declared wherever the real ones stand. */
const ROOT = "stacks/testdata";
const EVERYTHING: Partial<Record<Feature, boolean>> = Object.fromEntries(FEATURE_NAMES.map((name) => [name, true]));

const recordings = new Map<string, Promise<Recording>>();
/** Each configuration's program is run once for all the questions below. */
function recorded(profile: Profile, switches: Partial<Record<Feature, boolean>> = {}): Promise<Recording> {
  const key = JSON.stringify([profile, switches]);
  const recording =
    recordings.get(key) ??
    record(
      () =>
        lab(
          profileConfig(profile, { billingAccount: "012345-ABCDEF-678901", ...switches }),
          Object.keys(switches).length > 0 ? ROOT : ".",
        ),
      profile,
    );
  recordings.set(key, recording);
  return recording;
}

const everything = () => recorded("full", EVERYTHING);
const types = (recording: Recording) => new Set(recording.resources.map(({ type }) => type));

/** Texts that are empty on purpose: a subscription that never ends, a procedure whose code is a file. */
const MAY_BE_EMPTY = new Set(["expirationPolicy.ttl", "definitionBody"]);

function expectSound({ resources, calls }: Recording): void {
  expect(calls).toEqual([]);
  const wrong = resources.flatMap(({ type, name, inputs }) => [
    ...(name.includes("undefined") ? [`${type} ${name}`] : []),
    ...texts(inputs)
      .filter(
        ([path, text]) =>
          (text === "" && !MAY_BE_EMPTY.has(path)) ||
          /undefined|(^|[/:@.-])null($|[/:@.-])|\[object|:\/\/\/|serviceAccount:$/.test(text),
      )
      .map(([path, text]) => `${type} ${name} ${path}: ${text}`),
  ]);
  expect(wrong).toEqual([]);
}

/** Every text of a value with its path; the pipeline's own document is not the program's. */
function texts(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return path.endsWith("pipelineSpec") ? [] : [[path, value]];
  if (typeof value !== "object" || value === null) return value === null ? [[path, "null"]] : [];
  if ("__pulumiAsset" in value || "__pulumiArchive" in value) return [];
  return Object.entries(value).flatMap(([key, item]) => texts(item, path ? `${path}.${key}` : key));
}

describe.each(PROFILE_NAMES)("profile %s", (profile) => {
  it("declares exactly what its inventory says (npm run inventory renews it)", async () => {
    expect(inventory(await recorded(profile))).toBe(readFileSync(`stacks/inventory.${profile}.yaml`, "utf8"));
  });

  it("invokes nothing and gives no resource an empty or undefined name, member or address", async () =>
    expectSound(await recorded(profile)));
});

describe("features", () => {
  const needed = (feature: Feature): Partial<Record<Feature, boolean>> =>
    Object.assign({}, ...(FEATURES[feature].needs ?? []).map((need) => ({ [need]: true, ...needed(need) })));
  const withDependents = (feature: Feature): Partial<Record<Feature, boolean>> =>
    Object.assign(
      { [feature]: false },
      ...FEATURE_NAMES.filter((name) => FEATURES[name].needs?.includes(feature)).map(withDependents),
    );

  it.each(FEATURE_NAMES)("%s alone can be switched on in the minimal profile", async (feature) => {
    expectSound(await recorded("minimal", { ...needed(feature), [feature]: true }));
  });

  it.each(FEATURE_NAMES)("%s alone can be switched off where everything is on", async (feature) => {
    const recording = await recorded("full", { ...EVERYTHING, ...withDependents(feature) });
    expectSound(recording);
    expect(recording.resources.length).toBeLessThan((await everything()).resources.length);
  });

  it("are sound with everything on, and hold every type of the lab", async () => {
    expectSound(await everything());
    expect([...types(await everything())].filter((type) => type.startsWith("gcp:")).length).toBeGreaterThanOrEqual(40);
  });
});

/** Every role of each identity; a new grant shows here as a changed line. */
it("gives each identity exactly these roles", async () => {
  const { resources } = await everything();
  const roles: Record<string, string[]> = {};
  for (const { type, inputs } of resources.filter(({ type }) => /IamMember$/i.test(type))) {
    const on = (inputs.bucket ??
      inputs.datasetId ??
      inputs.serviceAccountId ??
      inputs.repository ??
      inputs.serviceId ??
      inputs.topic ??
      inputs.subscription ??
      inputs.name ??
      "project") as string;
    const where = on
      .replace(/^.*serviceAccounts\//, "")
      .replace(/@.*$/, "")
      .replace(/sparklab[-_]full[-_]/, "");
    const who = String(inputs.member)
      .replace(/@(sparklab-test|gcp-sa-bigquery).*$/, "")
      .replace("serviceAccount:sparklab-full-", "");
    (roles[who] ??= []).push(
      `${String(inputs.role).replace("roles/", "")} on ${where}${type.includes("projects") ? "" : ` (${type.split("/")[0]!.slice(4)})`}`,
    );
  }
  for (const list of Object.values(roles)) list.sort();
  expect(roles).toEqual({
    build: [
      "artifactregistry.writer on functions (artifactregistry)",
      "artifactregistry.writer on images (artifactregistry)",
      "logging.logWriter on project",
      "storage.objectViewer on functions (storage)",
    ],
    composer: [
      "bigquery.dataViewer on churn (bigquery)",
      "bigquery.jobUser on project",
      "composer.worker on project",
      "dataproc.serverlessEditor on project",
      "iam.serviceAccountUser on worker (serviceaccount)",
      "storage.objectUser on dags (storage)",
    ],
    "group:attendees@example.com": [
      "bigquery.dataViewer on churn (bigquery)",
      "bigquery.jobUser on project",
      "dataproc.serverlessEditor on project",
      "iam.serviceAccountUser on workbench (serviceaccount)",
      "iam.serviceAccountUser on worker (serviceaccount)",
      "notebooks.viewer on project",
      "run.invoker on scoring-api (cloudrunv2)",
      "storage.objectViewer on metrics (storage)",
      "storage.objectViewer on notebooks (storage)",
      "storage.objectViewer on pipelines (storage)",
      "storage.objectViewer on staging (storage)",
    ],
    launcher: [
      "artifactregistry.reader on pipelines (artifactregistry)",
      "iam.serviceAccountUser on runner (serviceaccount)",
      "projects/sparklab-test/sparklab_full_pipeline_launcher on project",
      "storage.objectUser on pipelines (storage)",
    ],
    runner: [
      "aiplatform.user on project",
      "artifactregistry.reader on pipelines (artifactregistry)",
      "bigquery.dataViewer on churn (bigquery)",
      "bigquery.jobUser on project",
      "dataproc.serverlessEditor on project",
      "iam.serviceAccountUser on scoring (serviceaccount)",
      "iam.serviceAccountUser on worker (serviceaccount)",
      "logging.logWriter on project",
      "storage.legacyBucketReader on bundles (storage)",
      "storage.legacyBucketReader on pipelines (storage)",
      "storage.objectUser on bundles (storage)",
      "storage.objectUser on pipelines (storage)",
      "storage.objectViewer on metrics (storage)",
    ],
    scheduler: ["run.invoker on start-pipeline (cloudrunv2)"],
    scoring: ["storage.objectViewer on bundles (storage)"],
    "serviceAccount:bqcx-123-sparklab-full-biglake": ["storage.objectViewer on raw (storage)"],
    "serviceAccount:bqcx-123-sparklab-full-spark": [
      "bigquery.dataEditor on churn (bigquery)",
      "bigquery.jobUser on project",
      "bigquery.readSessionUser on project",
      "dataproc.viewer on project",
      "storage.objectUser on staging (storage)",
      "storage.objectViewer on code (storage)",
    ],
    "serviceAccount:service-123@gcp-sa-dataproc.iam.gserviceaccount.com": [
      "artifactregistry.reader on images (artifactregistry)",
    ],
    "serviceAccount:service-123@gcp-sa-logging.iam.gserviceaccount.com": ["bigquery.dataEditor on logs (bigquery)"],
    "serviceAccount:service-123@gcp-sa-pubsub.iam.gserviceaccount.com": [
      "pubsub.publisher on dead-training-requests (pubsub)",
      "pubsub.subscriber on training-requests (pubsub)",
    ],
    "user:operator@example.com": [
      "aiplatform.user on project",
      "bigquery.dataViewer on churn (bigquery)",
      "bigquery.jobUser on project",
      "cloudbuild.builds.editor on project",
      "cloudtasks.enqueuer on training-requests (cloudtasks)",
      "dataproc.serverlessEditor on project",
      "iam.serviceAccountUser on build (serviceaccount)",
      "iam.serviceAccountUser on runner (serviceaccount)",
      "iam.serviceAccountUser on scheduler (serviceaccount)",
      "iam.serviceAccountUser on scoring (serviceaccount)",
      "iam.serviceAccountUser on workbench (serviceaccount)",
      "iam.serviceAccountUser on worker (serviceaccount)",
      "notebooks.viewer on project",
      "pubsub.publisher on training-requests (pubsub)",
      "run.invoker on scoring-api (cloudrunv2)",
      "run.invoker on start-pipeline (cloudrunv2)",
      "storage.objectViewer on metrics (storage)",
      "storage.objectViewer on notebooks (storage)",
      "storage.objectViewer on pipelines (storage)",
      "storage.objectViewer on staging (storage)",
    ],
    workbench: [
      "bigquery.dataViewer on churn (bigquery)",
      "bigquery.jobUser on project",
      "bigquery.readSessionUser on project",
      "dataproc.serverlessEditor on project",
      "iam.serviceAccountUser on worker (serviceaccount)",
      "logging.logWriter on project",
      "monitoring.metricWriter on project",
      "serviceusage.serviceUsageConsumer on project",
      "storage.objectUser on notebooks (storage)",
    ],
    worker: [
      "artifactregistry.reader on images (artifactregistry)",
      "bigquery.dataEditor on churn (bigquery)",
      "bigquery.jobUser on project",
      "bigquery.readSessionUser on project",
      "dataproc.worker on project",
      "metastore.metadataEditor on metastore (dataproc)",
      ...["bundles", "events", "metrics", "models", "staging"].map(
        (bucket) => `storage.legacyBucketReader on ${bucket} (storage)`,
      ),
      ...["bundles", "events", "metrics", "models", "staging"].map(
        (bucket) => `storage.objectUser on ${bucket} (storage)`,
      ),
      ...["code", "notebooks", "pipelines", "raw"].map((bucket) => `storage.objectViewer on ${bucket} (storage)`),
    ],
  });
});
