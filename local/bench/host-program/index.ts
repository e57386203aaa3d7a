/** Copies of the lab's mix of resources: twelve and their component each. */
import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";

const location = "us-central1";
const SCHEMA = JSON.stringify([{ name: "id", type: "STRING", mode: "REQUIRED" }]);

class Mix extends pulumi.ComponentResource {
  constructor(name: string) {
    super("bench:index:Mix", name);
    const own = { parent: this };
    const account = new gcp.serviceaccount.Account(name, { accountId: `${name}-worker` }, own);
    for (const role of ["roles/bigquery.jobUser", "roles/dataproc.worker"])
      new gcp.projects.IAMMember(`${name}-${role}`, { project: "sparklab-local", role, member: account.member }, own);
    const bucket = new gcp.storage.Bucket(
      name,
      { name: `host-bench-${name}`, location, uniformBucketLevelAccess: true, forceDestroy: true },
      own,
    );
    const role = "roles/storage.objectUser";
    new gcp.storage.BucketIAMMember(name, { bucket: bucket.name, role, member: account.member }, own);
    for (const file of ["a", "b", "c"])
      new gcp.storage.BucketObject(`${name}-${file}`, { bucket: bucket.name, name: file, content: file }, own);
    const datasetId = `host_bench_${name}`;
    const dataset = new gcp.bigquery.Dataset(name, { datasetId, location, deleteContentsOnDestroy: true }, own);
    for (const tableId of ["one", "two"])
      new gcp.bigquery.Table(
        `${name}-${tableId}`,
        { datasetId: dataset.datasetId, tableId, schema: SCHEMA, deletionProtection: false },
        own,
      );
    const template = `projects/sparklab-local/locations/${location}/sessionTemplates/host-bench-${name}`;
    new gcp.dataproc.SessionTemplate(
      name,
      { name: template, location, jupyterSession: { kernel: "PYTHON" }, runtimeConfig: { version: "2.3" } },
      own,
    );
    this.registerOutputs();
  }
}

for (let copy = 1; copy <= new pulumi.Config().requireNumber("copies"); copy++) new Mix(`mix${copy}`);
