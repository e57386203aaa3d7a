/** Where a cluster's history is: the bucket that its event logs lie in, and the address that shows them. */
import { createHash } from "node:crypto";
import type { Cloud } from "../../cloud";
import type { JsonObject } from "../../service";
import { objectAt, text } from "./workload-rules";

export const LOG_DIRECTORY = "spark:spark.history.fs.logDirectory";

/** The component gateway's address. Source: https://cloud.google.com/dataproc/docs/concepts/accessing/dataproc-gateways */
export function historyAddress(cluster: string, region: string, cloud: Cloud): string {
  const tail = createHash("sha256").update(`${cloud.project.number}/${region}/${cluster}`).digest("hex").slice(0, 24);
  return `https://${tail}-dot-${region}.dataproc.googleusercontent.com/sparkhistory/`;
}

/** Where the cluster's Spark looks for event logs; its temporary bucket has the service's own place for them. */
export function logDirectory(cluster: JsonObject): string {
  const config = objectAt(cluster, "config");
  const asked = text(objectAt(objectAt(config, "softwareConfig"), "properties")[LOG_DIRECTORY]);
  return asked || `gs://${text(config.tempBucket)}/${text(cluster.clusterUuid)}/spark-job-history`;
}
