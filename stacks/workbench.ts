/** Workbench: the notebooks and their settings as objects, the machine that opens them, the clock that executes one. */
import * as pulumi from "@pulumi/pulumi";
import type { LakeBucket } from "../components/lake-bucket";
import { physicalName, type Naming } from "../components/names";
import { NotebookSchedule } from "../components/notebook-schedule";
import { NotebookServer } from "../components/notebook-server";
import { ObjectSet } from "../components/object-set";
import type { ProjectServices } from "../components/project-services";
import type { SparkNetwork } from "../components/spark-network";
import type { SparkRuntime } from "../components/spark-runtime";
import type { WorkloadIdentity } from "../components/workload-identity";
import type { Features } from "./config/features";
import { notebooks } from "./sources";

/** Reads what the training reads, and writes nothing: it can be executed at any time. */
const SCHEDULED = "01-explore.ipynb";

export interface WorkbenchArgs {
  project: string;
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  features: Features;
  trainingSchedule: string;
  timeZone: string;
  /** No workbench when there is no machine; the notebooks are delivered all the same. */
  accounts: { workbench?: WorkloadIdentity; runner: WorkloadIdentity };
  runtime: SparkRuntime;
  bucket: LakeBucket;
  network: SparkNetwork;
  /** Content of settings.json, the one file that notebooks read. */
  settings: pulumi.Output<string>;
  services: ProjectServices;
}

export interface Workbench {
  /** `gs://` folder of the notebooks. */
  notebooks: pulumi.Output<string>;
  server?: NotebookServer;
  /** Full name of the job that executes a notebook. */
  schedule?: pulumi.Output<string>;
}

export function workbench(args: WorkbenchArgs): Workbench {
  const bucket = args.bucket.bucketName;
  const delivered = new ObjectSet("notebooks", {
    bucket,
    objects: {
      ...notebooks(),
      "notebooks/settings.json": { content: args.settings, contentType: "application/json" },
      "start.sh": { content: bucket.apply(deliverNotebooks), contentType: "text/x-shellscript" },
    },
  });
  const { workbench: account, runner } = args.accounts;
  const server = account
    ? new NotebookServer(
        "workbench",
        {
          instanceName: physicalName(args.naming, "resource", "workbench"),
          zone: `${args.region}-a`,
          labels: args.labels,
          network: args.network.network.id,
          subnetwork: args.network.subnetwork.id,
          serviceAccount: account.email,
          startScript: delivered.uris["start.sh"]!,
        },
        { dependsOn: [args.services, account, args.bucket, delivered] },
      )
    : undefined;
  const folder = pulumi.interpolate`gs://${bucket}/notebooks`;
  const ready = { dependsOn: [args.services, runner, delivered] };
  const schedule = args.features.notebookSchedule ? weekly(args, folder, ready).job : undefined;
  return { notebooks: folder, server, schedule };
}

/** Submitted by the account that submits the pipeline's batches. */
function weekly(args: WorkbenchArgs, folder: pulumi.Output<string>, opts: pulumi.ComponentResourceOptions) {
  const { project, region, labels, naming, timeZone } = args;
  return new NotebookSchedule(
    "scheduled-notebook",
    {
      ...{ project, region, labels, timeZone },
      jobName: physicalName(naming, "resource", "notebook"),
      cron: args.trainingSchedule,
      notebook: pulumi.interpolate`${folder}/${SCHEDULED}`,
      spark: args.runtime.settings.notebook,
      submitter: args.accounts.runner.email,
    },
    opts,
  );
}

/** Runs as root at every start. What a person has changed stays: only new files are brought. */
export function deliverNotebooks(bucket: string): string {
  return [
    "#!/bin/bash",
    "# Brings the lab's notebooks to Jupyter's home and gives them to its user.",
    "set -euo pipefail",
    "home=/home/jupyter/sparklab",
    'mkdir -p "$home"',
    `gcloud storage cp --recursive --no-clobber "gs://${bucket}/notebooks/*" "$home/"`,
    `gcloud storage cp "gs://${bucket}/notebooks/settings.json" "$home/settings.json"`,
    'chown -R jupyter:jupyter "$home"',
    "",
  ].join("\n");
}
