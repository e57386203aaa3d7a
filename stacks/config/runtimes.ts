/** Versions that fit each other: managed Spark's runtimes, what each workload needs of them, MLeap's releases. */

export interface SparkVersion {
  /** Last day of Google's support. */
  until: string;
  spark: string;
}

/** Source: cloud.google.com/dataproc-serverless/docs/concepts/versions. */
export const SUPPORTED_RUNTIMES: Readonly<Record<string, SparkVersion>> = {
  "2.3": { until: "2027-11-26", spark: "3.5" },
  "3.0": { until: "2027-01-31", spark: "4.0" },
};

export const supportedRuntimes = (): string =>
  Object.entries(SUPPORTED_RUNTIMES)
    .map(([version, { until }]) => `${version} (until ${until})`)
    .join(", ");

/** MLeap's releases by the Spark that they are built for. Source: the releases of github.com/combust/mleap. */
const MLEAP: Readonly<Record<string, string>> = {
  "3.2": "0.20",
  "3.3": "0.22",
  "3.4": "0.23",
  "4.0": "0.24",
  "4.1": "0.25",
};

export interface Workloads {
  sparkRuntime: string;
  jupyterRuntime: string;
  sparkConnectRuntime: string;
  historyServer: boolean;
  modelFormat: string;
}

const isFrom3 = (version: string) => Number.parseInt(version, 10) >= 3;
const set = (key: string, value: string) => `pulumi config set sparklab:${key} ${value}`;

/** What does not fit, workload by workload: one that needs runtime 3.0 never forbids another that needs 2.3. */
export function runtimeProblems(workloads: Workloads): string[] {
  const { sparkRuntime, jupyterRuntime, sparkConnectRuntime, historyServer, modelFormat } = workloads;
  const problems: string[] = [];
  if (isFrom3(jupyterRuntime)) {
    problems.push(
      `sparklab:jupyterRuntime: got "${jupyterRuntime}"; expected 2.3, since runtimes from 3.0 have no Jupyter sessions, only Spark Connect. ${set("jupyterRuntime", "2.3")}`,
    );
  }
  if (!isFrom3(sparkConnectRuntime)) {
    problems.push(
      `sparklab:sparkConnectRuntime: got "${sparkConnectRuntime}"; expected 3.0, the first that Spark Connect's client takes. ${set("sparkConnectRuntime", "3.0")}`,
    );
  }
  if (historyServer && isFrom3(sparkRuntime)) {
    problems.push(
      `sparklab:sparkRuntime: got "${sparkRuntime}" with historyServer; expected 2.3, since batches from 3.0 on cannot be attached to a persistent history server. ${set("sparkRuntime", "2.3")}`,
    );
  }
  return [...problems, ...modelFormatProblems(modelFormat, SUPPORTED_RUNTIMES[sparkRuntime]?.spark)];
}

function modelFormatProblems(format: string, spark: string | undefined): string[] {
  const fix = set("modelFormat", "bundle");
  if (format === "onnx") {
    return [
      `sparklab:modelFormat: got "onnx"; expected bundle, since converted Spark forests do not predict what Spark predicts. ${fix}`,
    ];
  }
  if (format !== "mleap" || spark === undefined) return [];
  const release = MLEAP[spark];
  const table = Object.entries(MLEAP)
    .map(([version, name]) => `${name} for Spark ${version}`)
    .join(", ");
  const reason =
    release === undefined
      ? `MLeap has no release for Spark ${spark} (${table})`
      : `MLeap ${release} fits Spark ${spark}, but the export job writes bundles only`;
  return [`sparklab:modelFormat: got "mleap"; expected bundle, since ${reason}. ${fix}`];
}
