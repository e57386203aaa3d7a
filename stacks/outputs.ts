/** The stack's outputs: all that a job, a function, a notebook or a person needs to use the lab. */
import type * as pulumi from "@pulumi/pulumi";
import type { SparkNetwork } from "../components/spark-network";
import type { BatchSettings, NotebookSettings } from "../components/spark-runtime";
import type { WorkloadIdentity } from "../components/workload-identity";
import type { LabConfig } from "./config";
import { FEATURE_NAMES } from "./config/features";
import { consolePages } from "./console";
import type { Images } from "./images";
import type { Lake } from "./lake";
import type { Ml } from "./ml";
import type { Observability } from "./observability";
import type { Orchestration } from "./orchestration";
import type { Spark } from "./spark";
import type { Workbench } from "./workbench";

type Text = pulumi.Input<string>;

export interface LabOutputs {
  project: string;
  projectNumber: pulumi.Output<number>;
  region: string;
  environment: string;
  /** Commit that this was deployed from, with -dirty where files differed from it. */
  commit: string;
  profile: string;
  /** Features that are on. */
  features: string[];
  /** Bucket name by role. */
  buckets: Record<string, Text>;
  /** `project.dataset`. */
  dataset: Text;
  /** `project.dataset.table` by table. */
  tables: Record<string, Text>;
  /** E-mail by role. */
  serviceAccounts: Record<string, Text>;
  /** Full name of the notebook session template. */
  sessionTemplate: Text;
  /** How batches are submitted here, `batch` and `notebook` in the words of Dataproc's API. */
  spark: {
    runtimeVersion: string;
    serviceAccount: Text;
    stagingBucket: Text;
    batch: BatchSettings;
    notebook: NotebookSettings;
  };
  /** `gs://` folder that holds `jobs/` and `sparklab.zip`. */
  code: Text;
  /** Values for the placeholders of pyspark/jobs.yaml. */
  jobSettings: Record<string, Text>;
  /** Pages of the Google Cloud console. */
  console: Record<string, Text>;

  /** Full names; each there when its part of the lab is. */
  network?: Text;
  subnetwork?: Text;
  imageRegistry?: Text;
  /** Images that are built from this repository: what `npx sparklab image build` makes, of what, as whom. */
  images?: Record<string, { image: Text; bucket: Text; object: Text; generation: Text; builder: Text }>;
  historyServer?: Text;
  metastore?: Text;
  sparkConnectTemplate?: Text;
  procedure?: Text;
  pipelineRegistry?: Text;
  pipelineRoot?: Text;
  pipelineParameters?: Record<string, Text>;
  experiment?: string;
  endpoint?: Text;
  scoringUrl?: Text;
  functionUrl?: Text;
  trainingSchedule?: Text;
  vertexSchedule?: Text;
  topic?: Text;
  queue?: Text;
  airflowEnvironment?: Text;
  airflow?: Text;
  dagBucket?: Text;
  notebooks?: Text;
  notebookSchedule?: Text;
  workbench?: Text;
  jupyter?: Text;
  logs?: Text;
  dashboard?: Text;
}

/** What there is besides data, identities and Spark. */
export interface WholeLab {
  models: Ml;
  runs: Orchestration;
  desk: Workbench;
  watch: Observability;
}

export interface OutputsArgs {
  config: LabConfig;
  network?: SparkNetwork;
  accounts: Partial<Record<string, WorkloadIdentity>>;
  data: Lake;
  compute: Spark;
  images?: Images;
  whole?: WholeLab;
}

export function labOutputs(args: OutputsArgs): LabOutputs {
  const { config, network, data, compute, images } = args;
  return present({
    project: config.project,
    projectNumber: data.buckets.raw.bucket.projectNumber,
    region: config.region,
    environment: config.environment,
    commit: config.commit,
    profile: config.profile,
    features: FEATURE_NAMES.filter((name) => config.features[name]),
    buckets: Object.fromEntries(Object.entries(data.buckets).map(([role, bucket]) => [role, bucket.bucketName])),
    dataset: data.dataset,
    tables: { ...data.warehouse.tables, ...(data.rawCustomers ? { raw_customers: data.rawCustomers } : {}) },
    serviceAccounts: Object.fromEntries(
      Object.entries(args.accounts).flatMap(([role, identity]) => (identity ? [[role, identity.email] as const] : [])),
    ),
    sessionTemplate: compute.runtime.sessionTemplate,
    spark: compute.runtime.settings,
    code: data.code,
    jobSettings: data.jobSettings,
    console: consolePages(config, network !== undefined),
    network: network?.network.id,
    subnetwork: network?.subnetwork.id,
    imageRegistry: images?.registry.address,
    images: images ? builtImages(images, args.accounts.build) : undefined,
    historyServer: compute.historyServer?.cluster,
    metastore: compute.metastore?.service,
    sparkConnectTemplate: compute.runtime.connectTemplate,
    procedure: compute.procedure?.routine,
    ...(args.whole ? wholeOutputs(args.whole, data) : {}),
  });
}

/** Without what is not there: the engine warns of outputs without a value. */
function present(outputs: LabOutputs): LabOutputs {
  return Object.fromEntries(
    Object.entries(outputs).filter(([, value]) => value !== undefined),
  ) as unknown as LabOutputs;
}

function builtImages(images: Images, build: WorkloadIdentity | undefined): LabOutputs["images"] {
  const sources = { "scoring-api": images["scoring-api"], spark: images.spark };
  return Object.fromEntries(
    Object.entries(sources).flatMap(([name, source]) =>
      source && build ? [[name, { image: source.image, ...source.archive, builder: build.email }]] : [],
    ),
  );
}

function wholeOutputs({ models, runs, desk, watch }: WholeLab, data: Lake): Partial<LabOutputs> {
  return {
    pipelineRegistry: models.pipelineRegistry,
    pipelineRoot: models.pipelineRoot,
    pipelineParameters: models.parameters,
    experiment: models.experiment,
    endpoint: models.endpoint,
    scoringUrl: models.scoringUrl,
    functionUrl: runs.functionUrl,
    trainingSchedule: runs.schedule,
    vertexSchedule: models.schedule,
    topic: runs.queue?.topic,
    queue: runs.queue?.queue,
    airflowEnvironment: runs.airflow?.environment,
    airflow: runs.airflow?.airflow,
    dagBucket: data.buckets.dags?.bucketName,
    notebooks: desk.notebooks,
    notebookSchedule: desk.schedule,
    workbench: desk.server?.instance,
    jupyter: desk.server?.url,
    logs: watch.logs,
    dashboard: watch.dashboard,
  };
}
