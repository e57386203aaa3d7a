/** Jobs: what surrounds the engine's own: the files of loads, from storage or with the request. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import type { Behaviour, JsonObject } from "../../service";
import { callEngine } from "./engine-call";
import { loadOf, startLoad } from "./load-jobs";
import { openSources } from "./sources";
import { receiveUpload } from "./uploads";

export const insertJob: Behaviour = async (call, cloud) => {
  if (call.http && call.http.request.url?.startsWith("/upload/")) return receiveUpload(call, cloud);
  const load = loadOf(call.body);
  if (!load) return callEngine(cloud, call);
  return startLoad(cloud, call, call.body, await sourcesOf(cloud, load));
};

/** A source that is not there fails the job, not the request. */
async function sourcesOf(cloud: Cloud, load: JsonObject) {
  const uris = (load.sourceUris ?? []) as string[];
  try {
    return { files: await openSources(cloud, uris) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { error: { reason: error.reason ?? "invalid", message: error.message } };
  }
}
