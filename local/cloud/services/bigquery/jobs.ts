/** Jobs: what surrounds the engine's own: the files of loads, from storage or with the request. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { type Behaviour, type Call, type Json, type JsonObject } from "../../service";
import { callEngine } from "./engine-call";
import { openSources, type SourceFile } from "./sources";
import { receiveUpload } from "./uploads";

export const insertJob: Behaviour = async (call, cloud) => {
  if (call.http && call.http.request.url?.startsWith("/upload/")) return receiveUpload(call, cloud);
  const load = loadOf(call.body);
  if (!load) return callEngine(cloud, call);
  return startLoad(cloud, call, call.body, await sourcesOf(cloud, load));
};

type Caller = Pick<Call, "path" | "principal">;

/** Starts a load job on files that the engine removes after it. */
export function startLoad(
  cloud: Cloud,
  { path, principal }: Caller,
  job: JsonObject,
  sources: { files: SourceFile[] } | { sourceError: JsonObject },
): Promise<Json> {
  return callEngine(cloud, {
    ...{ methodId: "bigquery.jobs.insert", path, principal, query: {} },
    body: { ...job, ...sources },
  });
}

/** A source that is not there fails the job, not the request. */
async function sourcesOf(cloud: Cloud, load: JsonObject) {
  const uris = (load.sourceUris ?? []) as string[];
  try {
    return { files: await openSources(cloud, uris) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { sourceError: { reason: error.reason ?? "invalid", message: error.message } };
  }
}

export function loadOf(body: JsonObject): JsonObject | undefined {
  const configuration = (body.configuration ?? {}) as JsonObject;
  return configuration.load as JsonObject | undefined;
}
