/** Every resource type that the provider knows. */
import type { Descriptor } from "./descriptor";
import { BIGQUERY } from "./bigquery";
import { BIGQUERY_ROUTINE } from "./bigquery-routine";
import { COMPOSER } from "./composer";
import { BIGQUERY_CONNECTION } from "./connection";
import { DATAPROC } from "./dataproc";
import { DATAPROC_CLUSTER } from "./dataproc-cluster";
import { CLOUD_FUNCTIONS } from "./functions";
import { DATAPROC_METASTORE } from "./metastore";
import { PLATFORM } from "./platform";
import { PROJECTS } from "./projects";
import { CLOUD_RUN } from "./run";
import { SERVICE_ACCOUNT } from "./serviceaccount";
import { STORAGE } from "./storage";
import { VERTEX } from "./vertex";
import { WORKBENCH } from "./workbench";

export const DESCRIPTORS: readonly Descriptor[] = [
  ...PROJECTS,
  ...SERVICE_ACCOUNT,
  ...STORAGE,
  ...BIGQUERY,
  ...BIGQUERY_CONNECTION,
  ...BIGQUERY_ROUTINE,
  ...DATAPROC,
  ...DATAPROC_CLUSTER,
  ...DATAPROC_METASTORE,
  ...CLOUD_FUNCTIONS,
  ...CLOUD_RUN,
  ...VERTEX,
  ...WORKBENCH,
  ...COMPOSER,
  ...PLATFORM,
];
