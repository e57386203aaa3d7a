/** Load jobs: what both doors to them share, a request with source addresses and an upload. */
import type { Cloud } from "../../cloud";
import type { Call, Json, JsonObject } from "../../service";
import { callEngine } from "./engine-call";
import type { SourceFile } from "./sources";

type Caller = Pick<Call, "path" | "principal">;

/** Starts a load job on files that the engine removes after it. */
export function startLoad(
  cloud: Cloud,
  { path, principal }: Caller,
  job: JsonObject,
  sources: { files: SourceFile[] } | { error: JsonObject },
): Promise<Json> {
  return callEngine(cloud, {
    ...{ methodId: "bigquery.jobs.insert", path, principal, query: {} },
    body: { ...job, ...sources },
  });
}

export function loadOf(body: JsonObject): JsonObject | undefined {
  const configuration = (body.configuration ?? {}) as JsonObject;
  return configuration.load as JsonObject | undefined;
}
