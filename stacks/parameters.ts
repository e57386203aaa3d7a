/** The lab's own values for those who start runs: parameters of the pipeline, settings of DAGs and notebooks. */
import type * as pulumi from "@pulumi/pulumi";
import type { SparkNetwork } from "../components/spark-network";
import type { BatchSettings, SparkRuntime, SparkSettings } from "../components/spark-runtime";
import type { LabConfig } from "./config";
import type { Lake } from "./lake";
import type { Ml } from "./ml";

type Values = Record<string, pulumi.Input<string>>;

/** Values by the names of the compiled pipeline's parameters; a pipeline takes those that it declares. */
export function pipelineParameters(data: Lake, { batch }: SparkSettings, network: SparkNetwork): Values {
  const { runtimeConfig, environmentConfig } = batch;
  const { metastoreService, sparkHistoryServerConfig } = environmentConfig.peripheralsConfig ?? {};
  return {
    ...data.jobSettings,
    code: data.code,
    subnetwork: network.subnetwork.id,
    spark_runtime: runtimeConfig.version,
    spark_service_account: environmentConfig.executionConfig.serviceAccount,
    ...(runtimeConfig.containerImage ? { spark_image: runtimeConfig.containerImage } : {}),
    ...(metastoreService ? { metastore: metastoreService } : {}),
    ...(sparkHistoryServerConfig ? { history_server: sparkHistoryServerConfig.dataprocCluster } : {}),
  };
}

/** What a DAG and a notebook read: one document, so that neither holds a value of its own. */
export interface RunSettings {
  project: string;
  region: string;
  environment: string;
  code: pulumi.Input<string>;
  jobs: Values;
  batch: BatchSettings;
  sessionTemplate: pulumi.Input<string>;
  pipelineRoot: pulumi.Input<string>;
  experiment: string;
  endpoint: pulumi.Input<string>;
  /** `gs://` address of the object that names the model which answers. */
  champion: pulumi.Input<string>;
}

export function runSettings(config: LabConfig, data: Lake, runtime: SparkRuntime, models: Ml): RunSettings {
  const { project, region, environment } = config;
  const { pipelineRoot, experiment, endpoint, champion } = models;
  return {
    project,
    region,
    environment,
    code: data.code,
    jobs: data.jobSettings,
    batch: runtime.settings.batch,
    sessionTemplate: runtime.sessionTemplate,
    pipelineRoot,
    experiment,
    endpoint,
    champion,
  };
}
