/** What spark-submit is given: options, properties, environment, and what cannot be asked for. */
import { expect, test } from "@jest/globals";
import type { SparkWorkload } from "./interface";
import {
  propertiesFile,
  propertyProblems,
  sparkDefaults,
  sparkEnvironment,
  sparkProperties,
  submitArguments,
} from "./spark-configuration";

const workload: SparkWorkload = {
  ...{ id: "batch-1", folder: "/lab/b", mainPythonFileUri: "gs://c/main.py", args: ["--a", "b c"] },
  ...{
    pythonFileUris: ["gs://c/x.zip", "gs://c/y.py"],
    jarFileUris: [],
    fileUris: ["gs://c/f"],
    archiveUris: ["gs://c/e.tgz#e"],
  },
  properties: {
    "spark:spark.x": "1",
    "dataproc.tier": "premium",
    "spark.dataproc.driverEnv.LEVEL": "high",
    "spark.dataproc.driverEnv.HOME": "/",
  },
  metadataHost: "127.0.0.1:1",
  door: { proxy: "http://127.0.0.1:8470", caBundle: "/ca/bundle.pem", caCertificate: "/ca/ca.pem", project: "p" },
};
const tools = {
  ...{
    javaHome: "/java",
    bigqueryHome: "/b/home",
    python: {
      spark: "/s/python",
      bigquery: "/b/python",
      clients: "/c/python",
      pipelines: "/c/python",
      notebooks: "/n/python",
      airflow: "/a/python",
    },
  },
  ...{ jars: { gcs: "/gcs.jar", bigquery: "/bq.jar" }, descriptions: "/d", data: "/data.csv" },
};
const trust = { store: "/ca/a b/trust.p12", overlay: "/ca/overlay" };
const resources = { cores: 2, heapMb: 1024, memoryMb: 2000, reduced: [] };

test("leaves fetching of gs:// files to Spark", () => {
  expect(submitArguments(workload)).toEqual([
    ...[
      "--properties-file",
      "/lab/b/conf/spark.properties",
      "--py-files",
      "gs://c/x.zip,gs://c/y.py",
      "--files",
      "gs://c/f",
      "--archives",
      "gs://c/e.tgz#e",
    ],
    ...["gs://c/main.py", "--a", "b c"],
  ]);
});

test("takes a property with Dataproc's prefix or without", () => {
  expect(sparkProperties({ "spark:spark.x": "1", "spark.y": "2", "dataproc.tier": "premium" })).toEqual({
    "spark.x": "1",
    "spark.y": "2",
  });
});

test("keeps its own settings whatever is asked for", () => {
  const asked = {
    "spark.driver.extraJavaOptions": "-Dmine=1",
    "spark.driver.extraClassPath": "/mine.jar",
    "spark.driver.memory": "9g",
  };
  const defaults = sparkDefaults({ ...workload, properties: asked }, resources, trust, "/spark.jsa");
  expect(defaults).toMatchObject({
    "spark.master": "local[2]",
    "spark.driver.memory": "1024m",
    "spark.driver.extraClassPath": "/mine.jar",
    "spark.eventLog.dir": "file:///lab/b/events",
    "spark.datasource.bigquery.enableReadSessionCaching": "false",
  });
  expect(defaults["spark.driver.extraJavaOptions"]).toBe(
    '-XX:TieredStopAtLevel=1 -XX:SharedArchiveFile=/spark.jsa -Dlog4j2.configurationFile=file:///lab/b/conf/log4j2.properties "-Djavax.net.ssl.trustStore=/ca/a b/trust.p12" -Djavax.net.ssl.trustStorePassword=notasecret -Djavax.net.ssl.trustStoreType=PKCS12 ' +
      "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8470 -Djava.io.tmpdir=/lab/b/tmp -Duser.timezone=UTC -Dmine=1",
  );
});

test("gives a driver nothing of the environment of its parent but the search path", () => {
  process.env.SOME_SECRET = "x";
  const environment = sparkEnvironment(workload, tools, trust, { sparkHome: "/spark", searchPath: "/usr/bin" });
  delete process.env.SOME_SECRET;
  expect(environment).toMatchObject({ LEVEL: "high", PATH: "/java/bin:/usr/bin", GCE_METADATA_HOST: "127.0.0.1:1" });
  expect(environment.HOME).toBe("/lab/b/home");
  expect(environment.https_proxy).toBe(environment.HTTPS_PROXY);
  expect(environment.SPARK_DIST_CLASSPATH).toBe("/ca/overlay:/gcs.jar:/bq.jar");
  expect(environment).not.toHaveProperty("SOME_SECRET");
});

test("writes properties that Java reads back as they were", () => {
  expect(propertiesFile({ "a b": "c=d: ü\n" })).toBe("a\\ b=c\\=d\\:\\ \\u00fc\\n\n");
});

test("names every property that cannot be given", () => {
  const asked = {
    "spark.master": "yarn",
    "spark:spark.yarn.queue": "q",
    "spark.eventLog.enabled": "false",
    "spark.eventLog.dir": "gs://e",
    "spark.executor.cores": "x",
  };
  expect(propertyProblems(asked)).toEqual([
    "spark.master: set by the service, it cannot be given",
    "spark.yarn.queue: set by the service, it cannot be given",
    "spark.eventLog.enabled: set by the service, it cannot be given",
    "spark.executor.cores: got 'x'; expected a positive whole number",
  ]);
});
