/** What one spark-submit is given: its command line, spark-defaults.conf and environment. Pure. */
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { doorVariables } from "./door-variables";
import type { SparkResources, SparkWorkload } from "./interface";
import { sizeProblems } from "./spark-resources";
import { TRUST_PASSWORD, type Trust } from "./spark-trust";
import type { Tools } from "./tools";

/** Folders and files of a workload, all inside its own folder. */
export function layout(folder: string) {
  return {
    conf: join(folder, "conf"),
    events: join(folder, "events"),
    home: join(folder, "home"),
    local: join(folder, "local"),
    temporary: join(folder, "tmp"),
    work: join(folder, "work"),
    output: join(folder, "driveroutput"),
    properties: join(folder, "conf", "spark.properties"),
    logging: join(folder, "conf", "log4j2.properties"),
  };
}

/** `spark:spark.x` and `spark.x` are the same property. */
export function sparkProperties(properties: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(properties).map(
    ([key, value]) => [key.replace(/^spark:(?=spark\.)/, ""), value] as const,
  );
  return Object.fromEntries(entries.filter(([key]) => key.startsWith("spark.")));
}

/** The service decides these; Dataproc Serverless refuses the first ones too (it has no YARN and no shuffle service). */
const RESERVED = [
  /^spark\.(master|submit\.deployMode|yarn\..*|shuffle\.service\..*)$/,
  /^spark\.(driver\.host|driver\.bindAddress|driver\.port|local\.dir|authenticate)$/,
  /^spark\.eventLog\.(?!dir$)/,
];

export function propertyProblems(properties: Readonly<Record<string, string>>): string[] {
  const spark = sparkProperties(properties);
  const reserved = Object.keys(spark).filter((key) => RESERVED.some((pattern) => pattern.test(key)));
  return [...reserved.map((key) => `${key}: set by the service, it cannot be given`), ...sizeProblems(spark)];
}

/** Arguments of spark-submit. Spark itself fetches gs:// files through the connector, as the workload's account. */
export function submitArguments(workload: SparkWorkload): string[] {
  const list = (option: string, uris: readonly string[]) => (uris.length > 0 ? [option, uris.join(",")] : []);
  return [
    ...["--properties-file", layout(workload.folder).properties],
    ...list("--py-files", workload.pythonFileUris),
    ...list("--jars", workload.jarFileUris),
    ...list("--files", workload.fileUris),
    ...list("--archives", workload.archiveUris),
    workload.mainPythonFileUri,
    ...workload.args,
  ];
}

/**
 * Properties of the driver.
 * @param archive class data archive of Spark (spark-archive.ts), if there is one
 */
export function sparkDefaults(
  workload: SparkWorkload,
  resources: SparkResources,
  trust: Trust,
  archive?: string,
): Record<string, string> {
  const asked = sparkProperties(workload.properties);
  const at = layout(workload.folder);
  const proxy = new URL(workload.door.proxy);
  const joined = (separator: string, ...parts: (string | undefined)[]) => parts.filter(Boolean).join(separator);
  const jvm = [
    // Drivers of the lab live for seconds: the optimising compiler costs them twice the time that it saves. Who computes
    // for minutes asks for it: spark.driver.extraJavaOptions -XX:TieredStopAtLevel=4.
    "-XX:TieredStopAtLevel=1",
    ...(archive === undefined ? [] : [`-XX:SharedArchiveFile=${archive}`]),
    `-Dlog4j2.configurationFile=${pathToFileURL(at.logging).href}`,
    `-Djavax.net.ssl.trustStore=${trust.store}`,
    `-Djavax.net.ssl.trustStorePassword=${TRUST_PASSWORD}`,
    "-Djavax.net.ssl.trustStoreType=PKCS12",
    `-Dhttps.proxyHost=${proxy.hostname}`,
    `-Dhttps.proxyPort=${proxy.port}`,
    `-Djava.io.tmpdir=${at.temporary}`,
    "-Duser.timezone=UTC",
  ].map(quoted);
  return {
    "spark.app.name": workload.id,
    "spark.ui.enabled": "false",
    // A session that has written must see its own writes; the connector's cache would give the rows of before.
    "spark.datasource.bigquery.enableReadSessionCaching": "false",
    "spark.hadoop.fs.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem",
    "spark.hadoop.fs.AbstractFileSystem.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFS",
    "spark.hadoop.fs.gs.project.id": workload.door.project,
    "spark.sql.warehouse.dir": pathToFileURL(join(at.work, "spark-warehouse")).href,
    ...asked,
    "spark.master": `local[${resources.cores}]`,
    "spark.driver.memory": `${resources.heapMb}m`,
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": pathToFileURL(at.events).href,
    "spark.driver.extraJavaOptions": joined(" ", ...jvm, asked["spark.driver.extraJavaOptions"]),
  };
}

/** Only what a driver needs: nothing of the environment of whoever started the cloud reaches a job. */
export function sparkEnvironment(
  workload: SparkWorkload,
  tools: Tools,
  trust: Trust,
  places: { sparkHome: string; searchPath: string },
): Record<string, string> {
  const at = layout(workload.folder);
  return {
    ...driverEnvironment(workload.properties),
    PATH: [join(tools.javaHome, "bin"), places.searchPath].join(delimiter),
    HOME: at.home,
    TMPDIR: at.temporary,
    LANG: "C.UTF-8",
    TZ: "UTC",
    JAVA_HOME: tools.javaHome,
    SPARK_HOME: places.sparkHome,
    // After Spark's own jars, where Dataproc has the connectors too; the class data archive covers what is before.
    SPARK_DIST_CLASSPATH: [trust.overlay, tools.jars.gcs, tools.jars.bigquery].join(delimiter),
    SPARK_LAUNCHER_OPTS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    SPARK_LOCAL_IP: "127.0.0.1",
    SPARK_LOCAL_DIRS: at.local,
    PYSPARK_PYTHON: workload.interpreter ?? tools.python.spark,
    PYSPARK_DRIVER_PYTHON: workload.interpreter ?? tools.python.spark,
    // What a job prints is readable while it runs.
    PYTHONUNBUFFERED: "1",
    ...doorVariables(workload.door, workload.metadataHost),
    CURL_CA_BUNDLE: workload.door.caBundle,
    ...workload.environment,
  };
}

/** `spark.dataproc.driverEnv.NAME` is Dataproc's way to give a driver an environment variable. */
function driverEnvironment(properties: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = "spark.dataproc.driverEnv.";
  const named = Object.entries(sparkProperties(properties)).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(named.map(([key, value]) => [key.slice(prefix.length), value]));
}

/** Text of a Java properties file: everything that is not plain ASCII, or has a meaning there, is escaped. */
export function propertiesFile(properties: Readonly<Record<string, string>>): string {
  const escape = (text: string) =>
    text.replace(/[\\:=#!\s]|[^ -~]/g, (character) => {
      const named: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f" };
      if (named[character]) return named[character];
      if (/[ -~]/.test(character)) return `\\${character}`;
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    });
  return Object.entries(properties)
    .map(([key, value]) => `${escape(key)}=${escape(value)}\n`)
    .join("");
}

/** Spark splits Java options at spaces outside of double quotes. */
const quoted = (option: string) => (/[\s"\\]/.test(option) ? `"${option.replace(/["\\]/g, "\\$&")}"` : option);
