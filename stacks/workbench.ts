/** Workbench: the notebooks and their settings as objects, and the machine that opens them. */
import * as pulumi from "@pulumi/pulumi";
import type { LakeBucket } from "../components/lake-bucket";
import { physicalName, type Naming } from "../components/names";
import { NotebookServer } from "../components/notebook-server";
import { ObjectSet } from "../components/object-set";
import type { ProjectServices } from "../components/project-services";
import type { SparkNetwork } from "../components/spark-network";
import type { WorkloadIdentity } from "../components/workload-identity";
import { notebooks } from "./sources";

export interface WorkbenchArgs {
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  /** Absent when there is no machine; the notebooks are delivered all the same. */
  account?: WorkloadIdentity;
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
  const server = args.account
    ? new NotebookServer(
        "workbench",
        {
          instanceName: physicalName(args.naming, "resource", "workbench"),
          zone: `${args.region}-a`,
          labels: args.labels,
          network: args.network.network.id,
          subnetwork: args.network.subnetwork.id,
          serviceAccount: args.account.email,
          startScript: delivered.uris["start.sh"]!,
        },
        { dependsOn: [args.services, args.account, args.bucket, delivered] },
      )
    : undefined;
  return { notebooks: pulumi.interpolate`gs://${bucket}/notebooks`, server };
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
