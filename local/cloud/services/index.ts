/** The APIs of the loopback cloud, in the order in which they recover; they close in the opposite one. */
import type { Service } from "../service";
import { vertex } from "./aiplatform/versions";
import { bigquery } from "./bigquery";
import { bigqueryConnection } from "./bigqueryconnection";
import { cloudBilling } from "./cloudbilling";
import { cloudBuild } from "./cloudbuild";
import { cloudFunctions } from "./cloudfunctions";
import { cloudResourceManager } from "./cloudresourcemanager";
import { composer } from "./composer";
import { compute } from "./compute";
import { dataproc } from "./dataproc";
import { iam } from "./iam";
import { iamcredentials } from "./iamcredentials";
import { metastore } from "./metastore";
import { notebooks } from "./notebooks";
import { run } from "./run";
import { serviceUsage } from "./serviceusage";
import { serviceNetworking } from "./servicenetworking";
import { storage } from "./storage";
import { artifactRegistry } from "./artifactregistry";
import { billingBudgets } from "./billingbudgets";
import { cloudScheduler } from "./cloudscheduler";
import { cloudTasks } from "./cloudtasks";
import { logging } from "./logging";
import { monitoring } from "./monitoring";
import { orgPolicy } from "./orgpolicy";
import { pubsub } from "./pubsub";
import { secretManager } from "./secretmanager";

export const services: readonly Service[] = [
  ...cloudResourceManager,
  ...serviceUsage,
  cloudBilling,
  ...compute,
  serviceNetworking,
  iam,
  iamcredentials,
  storage,
  artifactRegistry,
  cloudBuild,
  billingBudgets,
  orgPolicy,
  secretManager,
  pubsub,
  cloudTasks,
  cloudScheduler,
  bigquery,
  bigqueryConnection,
  metastore,
  dataproc,
  // After what its steps use: it closes first.
  ...vertex,
  composer,
  notebooks,
  run,
  cloudFunctions,
  // After all whose work it tells of, and after BigQuery, which it writes to: it closes first.
  logging,
  ...monitoring,
];
