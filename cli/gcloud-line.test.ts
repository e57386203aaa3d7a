/**
 * The printed command against the request: its line is read by a real shell and turned back by what gcloud's help says of
 * each flag. gcloud itself is not run: it is no part of the lab's tools.
 */
import { execFileSync } from "node:child_process";
import { batchOf } from "./batches";
import { readCatalogue } from "./catalogue";
import type { StackOutputs } from "./deployed";
import { gcloudLine } from "./gcloud-line";
import { openLab } from "./lab";

const jobs = readCatalogue(openLab({}));
const SETTINGS: Record<string, string> = new Proxy({}, { get: (_, name) => `the ${String(name)}'s $value "here"` });

function outputsWith(environmentConfig: object, runtimeConfig: object = {}): StackOutputs {
  return {
    ...{ project: "my-project", region: "us-central1", environment: "dev", commit: "0f".repeat(20) },
    code: "gs://code",
    spark: { batch: { runtimeConfig: { version: "2.3", ...runtimeConfig }, environmentConfig } },
  } as unknown as StackOutputs;
}
const execution = {
  serviceAccount: "worker@my-project.iam.gserviceaccount.com",
  stagingBucket: "staging",
  authenticationConfig: { userWorkloadAuthenticationType: "SERVICE_ACCOUNT" },
};
const small = outputsWith({ executionConfig: execution });
const large = outputsWith(
  {
    executionConfig: { ...execution, subnetworkUri: "projects/my-project/regions/us-central1/subnetworks/spark" },
    peripheralsConfig: {
      metastoreService: "projects/my-project/locations/us-central1/services/metastore",
      sparkHistoryServerConfig: { dataprocCluster: "projects/my-project/regions/us-central1/clusters/history" },
    },
  },
  { containerImage: "us-central1-docker.pkg.dev/my-project/images/spark:0123" },
);

/** The words that a shell makes of a line. */
function wordsOf(line: string): string[] {
  const printed = execFileSync("/bin/sh", ["-c", `gcloud() { printf '%s\\0' "$@"; }; ${line}`], { encoding: "utf8" });
  return printed.split("\0").slice(0, -1);
}

/** What gcloud's reference says that each flag of `dataproc batches submit pyspark` becomes in the request. */
function requestOf(line: string): { id: string; parent: string; batch: object } {
  const words = wordsOf(line);
  const end = words.indexOf("--");
  expect(words.slice(0, 4)).toEqual(["dataproc", "batches", "submit", "pyspark"]);
  const [main = "", ...flags] = words.slice(4, end);
  const given = new Map(flags.map((flag) => /^--([a-z-]+)=(.*)$/s.exec(flag)!.slice(1) as [string, string]));
  const take = (name: string) => {
    const value = given.get(name);
    given.delete(name);
    return value;
  };
  const part = (key: string, value: unknown) => (value === undefined ? {} : { [key]: value });
  const history = take("history-server-cluster");
  const peripherals = {
    ...part("metastoreService", take("metastore-service")),
    ...part("sparkHistoryServerConfig", history && { dataprocCluster: history }),
  };
  const result = {
    id: take("batch")!,
    parent: `projects/${take("project")}/locations/${take("region")}`,
    batch: {
      labels: pairs(take("labels")),
      pysparkBatch: {
        mainPythonFileUri: main,
        pythonFileUris: take("py-files")!.split(","),
        args: words.slice(end + 1),
      },
      runtimeConfig: {
        version: take("version"),
        ...part("containerImage", take("container-image")),
        properties: pairs(take("properties")),
      },
      environmentConfig: {
        executionConfig: {
          serviceAccount: take("service-account"),
          stagingBucket: take("staging-bucket"),
          ...part("subnetworkUri", take("subnet")),
          authenticationConfig: { userWorkloadAuthenticationType: take("user-workload-authentication-type") },
        },
        ...(Object.keys(peripherals).length > 0 ? { peripheralsConfig: peripherals } : {}),
      },
    },
  };
  expect([...given.keys()]).toEqual([]);
  return result;
}

/** `gcloud topic escaping`: `^;^a=1;b=2` has another separator than a comma. */
function pairs(text = ""): Record<string, string> {
  const [, separator = ",", list = text] = /^\^(.+?)\^(.*)$/s.exec(text) ?? [];
  return Object.fromEntries(list.split(separator).map((pair) => /^([^=]+)=(.*)$/s.exec(pair)!.slice(1)));
}

it.each(jobs.map((job) => [job.name, job] as const))("submits %s as run does, quotes and all", (_, job) => {
  for (const outputs of [small, large]) {
    const batch = batchOf(job, outputs, SETTINGS);
    const line = gcloudLine(batch, "some-id", outputs);
    expect(requestOf(line)).toEqual({ id: "some-id", parent: "projects/my-project/locations/us-central1", batch });
  }
});

it("takes another separator where a property has a comma", () => {
  const [job] = jobs;
  const properties = { "spark.jars.packages": "a:b:1,c:d:2", "spark.x": "1;2" };
  const batch = batchOf({ ...job!, properties }, small, SETTINGS);
  const line = gcloudLine(batch, "id", small);
  expect(line).toContain("--properties='^|^spark.jars.packages=a:b:1,c:d:2|spark.x=1;2'");
  expect(requestOf(line).batch).toEqual(batch);
});
