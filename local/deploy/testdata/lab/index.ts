/** About thirty resources of every type that can be deployed here but BigQuery's. */
import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const labels = { greeting: config.require("greeting") };
const project = gcp.organizations.getProjectOutput({});

const services = ["storage", "dataproc", "bigquery", "iam"].map(
  (name) => new gcp.projects.Service(name, { service: `${name}.googleapis.com`, disableOnDestroy: false }),
);
const identity = new gcp.projects.ServiceIdentity(
  "agent",
  { service: "dataproc.googleapis.com" },
  { dependsOn: services },
);
const role = new gcp.projects.IAMCustomRole("role", {
  roleId: "trial_role",
  title: "Trial",
  permissions: ["dataproc.batches.create", "dataproc.batches.get"],
});

class Account extends pulumi.ComponentResource {
  readonly account: gcp.serviceaccount.Account;
  constructor(name: string, roles: pulumi.Input<string>[]) {
    super("trial:index:Account", name);
    this.account = new gcp.serviceaccount.Account(
      name,
      { accountId: `trial-${name}`, displayName: `Trial ${name}` },
      { parent: this, dependsOn: services },
    );
    roles.forEach(
      (role, i) =>
        new gcp.projects.IAMMember(
          `${name}-${i}`,
          { project: "sparklab-local", role, member: this.account.member },
          { parent: this },
        ),
    );
    this.registerOutputs({ email: this.account.email });
  }
}
const worker = new Account("worker", ["roles/dataproc.worker", "roles/bigquery.jobUser"]);
const runner = new Account("runner", [role.name]);
new gcp.serviceaccount.IAMMember("runner-acts-as-worker", {
  serviceAccountId: worker.account.name,
  role: "roles/iam.serviceAccountUser",
  member: runner.account.member,
});

const buckets = ["raw", "code", "models", "staging"].map((name) => {
  const bucket = new gcp.storage.Bucket(name, {
    name: `trial-${name}-${config.require("greeting") === "moved" && name === "models" ? "moved" : "here"}`,
    location: "us-central1",
    labels,
    uniformBucketLevelAccess: true,
    publicAccessPrevention: "enforced",
    forceDestroy: true,
    softDeletePolicy: { retentionDurationSeconds: 0 },
    lifecycleRules:
      name === "staging"
        ? [{ action: { type: "Delete" }, condition: { age: config.requireNumber("days") } }]
        : undefined,
  });
  for (const role of ["objectUser", "legacyBucketReader"])
    new gcp.storage.BucketIAMMember(`${name}-${role}`, {
      bucket: bucket.name,
      role: `roles/storage.${role}`,
      member: worker.account.member,
    });
  return bucket;
});
new gcp.storage.BucketObject("text", {
  bucket: buckets[1]!.name,
  name: "jobs/a.txt",
  source: new pulumi.asset.StringAsset(config.require("greeting")),
  contentType: "text/plain",
});
new gcp.storage.BucketObject("content", {
  bucket: buckets[1]!.name,
  name: "jobs/c.txt",
  content: config.require("greeting"),
});
new gcp.storage.BucketObject("zip", {
  bucket: buckets[1]!.name,
  name: "jobs/code.zip",
  source: new pulumi.asset.AssetArchive({
    "index.ts": new pulumi.asset.FileAsset("index.ts"),
    more: new pulumi.asset.AssetArchive({ "b.txt": new pulumi.asset.StringAsset("b") }),
  }),
});
const template = new gcp.dataproc.SessionTemplate("notebook", {
  name: "projects/sparklab-local/locations/us-central1/sessionTemplates/trial-notebook",
  location: "us-central1",
  labels,
  jupyterSession: { kernel: "PYTHON", displayName: "Trial" },
  runtimeConfig: { version: "2.3", properties: { "spark.executor.instances": "2" } },
  environmentConfig: {
    executionConfig: {
      serviceAccount: worker.account.email,
      stagingBucket: buckets[3]!.name,
      ttl: "14400s",
      idleTtl: "3600s",
      authenticationConfig: { userWorkloadAuthenticationType: "SERVICE_ACCOUNT" },
    },
  },
});

export const number = project.number;
export const bucketNames = buckets.map(({ name }) => name);
export const templateName = template.name;
export const agent = identity.email;
export const hidden = pulumi.secret(worker.account.email);
