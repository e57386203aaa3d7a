/** What batches are refused, and in which words. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { JsonObject, Principal } from "../../service";
import { grantOnProject } from "../../testing";
import { ACCOUNT, batch, BatchLab, BATCHES } from "./testing";

let lab: BatchLab;
beforeEach(async () => {
  lab = await BatchLab.open();
});
afterEach(() => lab.close());

describe("refuses", () => {
  const withMain = (uri: string, more: JsonObject = {}) => batch({ pysparkBatch: { mainPythonFileUri: uri, ...more } });
  const cases: [string, JsonObject, string, string][] = [
    [
      "a short id",
      batch(),
      "?batchId=abc",
      "INVALID_ARGUMENT: Invalid batch id 'abc': expected 4-63 characters of a-z, 0-9 and '-'.",
    ],
    [
      "an id with capitals",
      batch(),
      "?batchId=Batch",
      "INVALID_ARGUMENT: Invalid batch id 'Batch': expected 4-63 characters of a-z, 0-9 and '-'.",
    ],
    [
      "a strange request id",
      batch(),
      "?batchId=fine&requestId=a%20b",
      "INVALID_ARGUMENT: Invalid request id 'a b': expected at most 40 letters, digits, '_' or '-'.",
    ],
    [
      "no work",
      { runtimeConfig: { version: "2.3" } },
      "?batchId=fine",
      "INVALID_ARGUMENT: Exactly one batch configuration must be set: got none; expected one of pysparkBatch, sparkBatch, sparkRBatch, sparkSqlBatch, pysparkNotebookBatch.",
    ],
    [
      "two kinds of work",
      batch({ sparkSqlBatch: { queryFileUri: "gs://b/q.sql" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Exactly one batch configuration must be set: got pysparkBatch, sparkSqlBatch; expected one of pysparkBatch, sparkBatch, sparkRBatch, sparkSqlBatch, pysparkNotebookBatch.",
    ],
    [
      "work of another kind",
      { sparkSqlBatch: { queryFileUri: "gs://b/q.sql" } },
      "?batchId=fine",
      "UNIMPLEMENTED: Batches of kind sparkSqlBatch are not run here; expected pysparkBatch or pysparkNotebookBatch.",
    ],
    [
      "no main file",
      batch({ pysparkBatch: { args: ["x"] } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Main Python file URI is required.",
    ],
    [
      "a local main file",
      withMain("/tmp/x.py"),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid main Python file URI '/tmp/x.py': expected gs://<bucket>/<object>.py.",
    ],
    [
      "a zip as main file",
      withMain("gs://b/x.zip"),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid main Python file URI 'gs://b/x.zip': expected gs://<bucket>/<object>.py.",
    ],
    [
      "a jar among Python files",
      withMain("gs://b/x.py", { pythonFileUris: ["gs://b/x.jar"] }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid URI 'gs://b/x.jar' in pythonFileUris: expected gs://<bucket>/<object> that matches \\.(py|egg|zip)$.",
    ],
    [
      "a notebook that is none",
      { pysparkNotebookBatch: { notebookFileUri: "gs://b/n.py", params: { "a b": "1" } } },
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid notebook file URI 'gs://b/n.py': expected gs://<bucket>/<object>.ipynb.\nInvalid parameter 'a b': expected the name of a Python variable.",
    ],
    [
      "an unsupported runtime",
      batch({ runtimeConfig: { version: "1.1" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Runtime version '1.1' is not supported. Supported versions: 2.3.",
    ],
    [
      "a container image",
      batch({ runtimeConfig: { version: "2.3", containerImage: "us-docker.pkg.dev/p/r/i:1" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Container image 'us-docker.pkg.dev/p/r/i:1' not found; expected one for Spark that this lab has built. Run npx sparklab image build spark.",
    ],
    [
      "a property of another component",
      batch({ runtimeConfig: { properties: { "hdfs:dfs.replication": "1" } } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Property 'hdfs:dfs.replication' is not supported; expected a name that begins with 'spark.' or 'dataproc.'.",
    ],
    [
      "a property that the service sets",
      batch({ runtimeConfig: { properties: { "spark.master": "yarn" } } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Property spark.master: set by the service, it cannot be given.",
    ],
    [
      "an idle ttl",
      batch({}, { idleTtl: "3600s" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: idle_ttl applies to sessions only; it cannot be set on a batch.",
    ],
    [
      "two networks",
      batch({}, { networkUri: "n", subnetworkUri: "s" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: At most one of network_uri and subnetwork_uri may be set.",
    ],
    [
      "a bucket's URI",
      batch({}, { stagingBucket: "gs://bucket" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid staging bucket 'gs://bucket': expected the name of a bucket, not a URI or path.",
    ],
    [
      "a bucket that is not there",
      batch({}, { stagingBucket: "missing-bucket" }),
      "?batchId=fine",
      "NOT_FOUND: Staging bucket 'missing-bucket' was not found.",
    ],
    [
      "a ttl of nine minutes",
      batch({}, { ttl: "540s" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: ttl: got 540s; expected between 600s (10 minutes) and 1209600s (14 days).",
    ],
    [
      "a ttl of fifteen days",
      batch({}, { ttl: "1296000s" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: ttl: got 1296000s; expected between 600s (10 minutes) and 1209600s (14 days).",
    ],
    [
      "end-user credentials",
      batch({}, { authenticationConfig: { userWorkloadAuthenticationType: "END_USER_CREDENTIALS" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: END_USER_CREDENTIALS is not supported; expected SERVICE_ACCOUNT.",
    ],
    [
      "an account that is not there",
      batch({}, { serviceAccount: "no@sparklab-local.iam.gserviceaccount.com" }),
      "?batchId=fine",
      "NOT_FOUND: Service account 'no@sparklab-local.iam.gserviceaccount.com' was not found. A batch runs as environment_config.execution_config.service_account, or as the project's default compute account if it names none.",
    ],
    [
      "a history server that is not there",
      batch({
        environmentConfig: {
          executionConfig: { serviceAccount: ACCOUNT },
          peripheralsConfig: { sparkHistoryServerConfig: { dataprocCluster: "projects/p/regions/r/clusters/c" } },
        },
      }),
      "?batchId=fine",
      "NOT_FOUND: Not found: projects/p/regions/r/clusters/c",
    ],
    [
      "a label with capitals",
      batch({ labels: { Job: "x" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid label key 'Job': expected 1-63 lower-case letters, digits, '_' or '-', beginning with a letter.",
    ],
  ];
  test.each(cases)("%s", async (_what, body, query, expected) => {
    expect(await lab.refused(body, query)).toBe(expected);
    expect(lab.engine.submitted).toHaveLength(0);
  });
  test("all problems of a request at once", async () => {
    const { message, details } = await lab.lab.refusal(
      `POST ${BATCHES}?batchId=x`,
      batch({ runtimeConfig: { version: "9" } }, { idleTtl: "1s" }),
    );
    expect(message.split("\n")).toHaveLength(3);
    expect(details[0]).toMatchObject({
      fieldViolations: [
        { field: "batch_id" },
        { field: "batch.runtime_config.version" },
        { field: "batch.environment_config.execution_config.idle_ttl" },
      ],
    });
  });
  test("a caller who may not act as the account", async () => {
    const stranger: Principal = {
      kind: "serviceAccount",
      email: `spark-x@sparklab-local.iam.gserviceaccount.com`,
      via: "serviceAccountKey",
    };
    expect(await lab.refused(batch(), "?batchId=fine", stranger)).toMatch(
      /^PERMISSION_DENIED: Permission 'dataproc.batches.create' denied on resource '\/\/dataproc.googleapis.com\/projects\/sparklab-local\/locations\/us-central1' \(or it may not exist\)/,
    );
    await lab.lab.rest("POST https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", {
      accountId: "spark-x",
    });
    await grantOnProject(lab.lab.cloud, "roles/dataproc.serverlessEditor", `serviceAccount:${stranger.email}`);
    expect(await lab.refused(batch(), "?batchId=fine", stranger)).toMatch(
      /^PERMISSION_DENIED: User not authorized to act as service account 'spark-jobs@/,
    );
    const resource = `projects/sparklab-local/serviceAccounts/${ACCOUNT}`;
    await lab.lab.cloud.policies.set(resource, {
      bindings: [{ role: "roles/iam.serviceAccountUser", members: [`serviceAccount:${stranger.email}`] }],
    });
    await lab.lab.rest(`POST ${BATCHES}?batchId=granted`, batch(), stranger);
    expect(await lab.get("granted")).toMatchObject({ creator: stranger.email });
  });
});
