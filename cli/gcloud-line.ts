/** A batch as the command line of gcloud that submits it. Pure; gcloud itself is not needed here. */
import type { protos } from "@google-cloud/dataproc";
import type { StackOutputs } from "./deployed";

type Batch = protos.google.cloud.dataproc.v1.IBatch;

/** One flag a line, in the words of `gcloud dataproc batches submit pyspark --help`. */
export function gcloudLine(
  batch: Batch,
  id: string,
  { project, region }: Pick<StackOutputs, "project" | "region">,
): string {
  const { pysparkBatch, runtimeConfig, environmentConfig, labels } = batch;
  const execution = environmentConfig?.executionConfig ?? {};
  const { metastoreService, sparkHistoryServerConfig } = environmentConfig?.peripheralsConfig ?? {};
  const flags: [string, string | null | undefined][] = [
    ["project", project],
    ["region", region],
    ["batch", id],
    ["version", runtimeConfig?.version],
    ["container-image", runtimeConfig?.containerImage],
    ["py-files", pysparkBatch?.pythonFileUris?.join(",")],
    ["properties", dictionary(runtimeConfig?.properties)],
    ["service-account", execution.serviceAccount],
    ["user-workload-authentication-type", String(execution.authenticationConfig?.userWorkloadAuthenticationType ?? "")],
    ["staging-bucket", execution.stagingBucket],
    ["subnet", execution.subnetworkUri],
    ["metastore-service", metastoreService],
    ["history-server-cluster", sparkHistoryServerConfig?.dataprocCluster],
    ["labels", dictionary(labels)],
  ];
  const given = flags.flatMap(([name, value]) => (value ? [`--${name}=${quoted(value)}`] : []));
  const start = `gcloud dataproc batches submit pyspark ${quoted(pysparkBatch?.mainPythonFileUri ?? "")}`;
  return [start, ...given, `-- ${(pysparkBatch?.args ?? []).map(quoted).join(" ")}`].join(" \\\n  ");
}

/** `a=1,b=2`; where a value has a comma, another separator, which gcloud takes between two `^`. */
function dictionary(values: Readonly<Record<string, string>> | null | undefined): string {
  const pairs = Object.entries(values ?? {}).map(([key, value]) => `${key}=${value}`);
  if (!pairs.some((pair) => pair.includes(","))) return pairs.join(",");
  const separator = [";", "|", "#", "@", "~"].find((mark) => !pairs.some((pair) => pair.includes(mark)));
  if (separator === undefined) throw new Error(`Pairs ${pairs.join(" ")}: expected none to have all of ,;|#@~`);
  return `^${separator}^${pairs.join(separator)}`;
}

/** As a POSIX shell reads it: one word, whatever is in it. */
const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
