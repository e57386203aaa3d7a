/** The buckets that Dataproc makes for a project and region where a request names none; they stay. */
import type { Cloud } from "../../cloud";
import { agent, ensureBucket } from "../references";

export async function serviceBucket(kind: "staging" | "temp", region: string, cloud: Cloud): Promise<string> {
  const bucket = `dataproc-${kind}-${region}-${cloud.project.number}`;
  await ensureBucket(bucket, region, agent("dataproc-accounts", cloud), cloud);
  return bucket;
}
