/** What each component declares: the exact children, and the inputs that matter. */
import { LakeBucket } from "./lake-bucket";
import { ObjectSet } from "./object-set";
import { ProjectServices } from "./project-services";
import { declaredLines, record } from "./record";
import { PipelineLauncherRole } from "./pipeline-launcher-role";
import { SparkRuntime } from "./spark-runtime";
import { Warehouse } from "./warehouse";
import { WorkloadIdentity } from "./workload-identity";
import * as pulumi from "@pulumi/pulumi";

const inputsOf = (recording: Awaited<ReturnType<typeof record>>, name: string, type: string) =>
  recording.resources.find(
    (resource) => resource.name === name && resource.type.startsWith("gcp:") && resource.type.endsWith(`:${type}`),
  )?.inputs;

describe("ProjectServices", () => {
  it("enables each service and leaves it enabled on destroy", async () => {
    const recording = await record(() => new ProjectServices("services", { services: ["dataproc", "storage"] }));
    expect(declaredLines(recording)).toEqual([
      "gcp:projects/service:Service services-dataproc",
      "gcp:projects/service:Service services-storage",
    ]);
    expect(inputsOf(recording, "services-dataproc", "Service")).toMatchObject({
      service: "dataproc.googleapis.com",
      disableOnDestroy: false,
    });
  });
});

describe("WorkloadIdentity", () => {
  it("declares the account, its project roles and who may act as it", async () => {
    const recording = await record(
      () =>
        new WorkloadIdentity("worker", {
          project: "p",
          accountId: "lab-worker",
          displayName: "d",
          description: "e",
          projectRoles: { "run-spark": "roles/dataproc.worker" },
          actAs: { ann: { role: "roles/iam.serviceAccountUser", member: "user:ann@example.com" } },
        }),
    );
    expect(declaredLines(recording)).toEqual([
      "gcp:projects/iAMMember:IAMMember worker-run-spark",
      "gcp:serviceaccount/account:Account worker",
      "gcp:serviceaccount/iAMMember:IAMMember worker-used-by-ann",
    ]);
    const member = "serviceAccount:lab-worker@sparklab-test.iam.gserviceaccount.com";
    expect(inputsOf(recording, "worker-run-spark", "IAMMember")).toEqual({
      project: "p",
      role: "roles/dataproc.worker",
      member,
    });
    expect(inputsOf(recording, "worker-used-by-ann", "IAMMember")).toMatchObject({
      member: "user:ann@example.com",
      serviceAccountId: expect.stringContaining("lab-worker@"),
    });
  });
});

describe("LakeBucket", () => {
  const bucket = (args: Partial<ConstructorParameters<typeof LakeBucket>[1]>) =>
    record(
      () => new LakeBucket("raw", { bucketName: "lab-raw", location: "us-central1", labels: {}, grants: {}, ...args }),
    );

  it("is private, uniform, free of soft deletion and deletable by default", async () => {
    expect(inputsOf(await bucket({}), "raw", "Bucket")).toMatchObject({
      publicAccessPrevention: "enforced",
      uniformBucketLevelAccess: true,
      forceDestroy: true,
      softDeletePolicy: { retentionDurationSeconds: 0 },
    });
  });

  it("keeps a non-empty bucket when data is protected", async () => {
    expect(inputsOf(await bucket({ protectData: true }), "raw", "Bucket")).toMatchObject({ forceDestroy: false });
  });

  it("expires scratch objects and makes deleted ones restorable as asked", async () => {
    expect(inputsOf(await bucket({ expireAfter: "7 days", restorableFor: "2 days" }), "raw", "Bucket")).toMatchObject({
      lifecycleRules: [{ action: { type: "Delete" }, condition: { age: 7 } }],
      softDeletePolicy: { retentionDurationSeconds: 172_800 },
    });
  });

  it("declares one member per grant", async () => {
    const recording = await bucket({ grants: { reads: { role: "roles/storage.objectViewer", member: "user:a@b.c" } } });
    expect(declaredLines(recording)).toEqual([
      "gcp:storage/bucket:Bucket raw",
      "gcp:storage/bucketIAMMember:BucketIAMMember raw-reads",
    ]);
  });
});

describe("ObjectSet", () => {
  it("declares one object per name and gives its address", async () => {
    const recording = await record(
      () =>
        new ObjectSet("code", {
          bucket: "b",
          objects: { "a/x.py": { source: new pulumi.asset.StringAsset("1"), contentType: "text/x-python" } },
        }),
    );
    expect(declaredLines(recording)).toEqual(["gcp:storage/bucketObject:BucketObject code-a/x.py"]);
    const uri = await new Promise((resolve) => recording.outputs.uris["a/x.py"]!.apply(resolve));
    expect(uri).toBe("gs://b/a/x.py");
  });
});

describe("Warehouse", () => {
  const warehouse = (protectData: boolean) =>
    record(
      () =>
        new Warehouse("churn", {
          project: "p",
          datasetId: "ds",
          location: "us-central1",
          description: "d",
          labels: {},
          tables: { t: "[]" },
          grants: { w: { role: "roles/bigquery.dataEditor", member: "user:a@b.c" } },
          protectData,
        }),
    );

  it("declares the data set, each table and each grant", async () => {
    expect(declaredLines(await warehouse(false))).toEqual([
      "gcp:bigquery/dataset:Dataset churn",
      "gcp:bigquery/datasetIamMember:DatasetIamMember churn-w",
      "gcp:bigquery/table:Table churn-t",
    ]);
  });

  it.each([true, false])("protects tables and contents: %s", async (protectData) => {
    const recording = await warehouse(protectData);
    expect(inputsOf(recording, "churn", "Dataset")).toMatchObject({ deleteContentsOnDestroy: !protectData });
    expect(inputsOf(recording, "churn-t", "Table")).toMatchObject({ deletionProtection: protectData });
  });
});

describe("SparkRuntime", () => {
  it("names the template in full and sets version, identity and limits explicitly", async () => {
    const recording = await record(
      () =>
        new SparkRuntime("notebook", {
          project: "p",
          location: "r",
          version: "2.3",
          serviceAccount: "w@x",
          stagingBucket: "s",
          notebook: { templateId: "lab-notebook", version: "2.3" },
          labels: {},
        }),
    );
    expect(inputsOf(recording, "notebook", "SessionTemplate")).toMatchObject({
      name: "projects/p/locations/r/sessionTemplates/lab-notebook",
      runtimeConfig: { version: "2.3" },
      environmentConfig: {
        executionConfig: {
          serviceAccount: "w@x",
          stagingBucket: "s",
          ttl: "14400s",
          idleTtl: "3600s",
          authenticationConfig: { userWorkloadAuthenticationType: "SERVICE_ACCOUNT" },
        },
      },
    });
  });
});

describe("PipelineLauncherRole", () => {
  it("holds exactly the three permissions of launching", async () => {
    const recording = await record(() => new PipelineLauncherRole("role", { roleId: "lab_launcher" }));
    expect(inputsOf(recording, "role", "IAMCustomRole")).toMatchObject({
      roleId: "lab_launcher",
      permissions: ["aiplatform.pipelineJobs.create", "aiplatform.pipelineJobs.get", "aiplatform.pipelineJobs.list"],
    });
  });
});
