/**
 * The history server of a cluster behind its component gateway: started by the first look at it, over the event logs of
 * the cluster's log directory, whose star stands for any folder, as in the cloud.
 * Source: https://cloud.google.com/dataproc/docs/concepts/jobs/history-server
 */
import { createHash } from "node:crypto";
import { copyFile, link, mkdir, readdir, rename, rm } from "node:fs/promises";
import { request as ask } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { HistoryRun } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Addresses, JsonObject } from "../../service";
import { listObjects, localPath } from "../storage/objects";
import { historyAddress, logDirectory } from "./history-places";
import { objectAt } from "./workload-rules";

/** Where a server is, while it may run. */
const KEYS = "dataproc/history/";
const HOST = /^[0-9a-f]+-dot-[a-z0-9-]+\.dataproc\.googleusercontent\.com$/;

export const gateway: Addresses = {
  serves: (host) => HOST.test(host),
  http: async (host, { request, response }, cloud) => {
    const { name, cluster } = await clusterAt(host, cloud);
    const principal = await cloud.principals.resolve(request.headers.authorization, host);
    await cloud.access.require({
      ...{ principal, permission: "dataproc.clusters.use", method: "dataproc.history" },
      resource: `//dataproc.googleapis.com/${name}`,
    });
    if (request.method !== "GET") throw new ApiError("INVALID_ARGUMENT", `Method ${request.method}: expected GET.`);
    const server = await historyOf(cloud).server(name, cluster);
    await pass(server, request, response);
    return { method: `${name}:history`, principal };
  },
};

class HistoryServers {
  private readonly live = new Map<string, Promise<HistoryRun>>();
  private starts = 0;

  constructor(private readonly cloud: Cloud) {}

  /** The cluster's server, its logs as the bucket has them now. */
  async server(name: string, cluster: JsonObject): Promise<HistoryRun> {
    await this.collect(name, cluster);
    const known = this.live.get(name);
    if (known) return known;
    const started = this.start(name);
    this.live.set(name, started);
    const forget = () => this.live.get(name) === started && this.live.delete(name);
    started.then(({ ended }) => ended.then(forget, forget), forget);
    return started;
  }

  /** When a cluster is deleted. */
  async end(name: string): Promise<void> {
    // One that did not start, which whoever asked for it was told, has nothing to stop.
    const run = await this.live.get(name)?.catch(() => undefined);
    await run?.stop();
    await rm(this.folder(name), { recursive: true, force: true });
  }

  async recover(): Promise<void> {
    for (const { key, value } of await this.cloud.store.list(KEYS)) {
      await this.cloud.engines.history.stopEarlier(textOf(value.folder));
      await this.cloud.store.write({ delete: [key] });
    }
  }

  async close(): Promise<void> {
    const runs = await Promise.allSettled(this.live.values());
    await Promise.all(runs.map((run) => (run.status === "fulfilled" ? run.value.stop() : Promise.resolve())));
  }

  private async start(name: string): Promise<HistoryRun> {
    const { store, engines } = this.cloud;
    const folder = join(this.folder(name), `server-${(this.starts += 1)}`);
    const key = `${KEYS}${name}`;
    await store.write({ put: { [key]: { folder } } });
    return engines.history.start({ folder, events: this.events(name) });
  }

  /** Links event logs that are new or longer since the last look; Spark tells them apart by name and size. */
  private async collect(name: string, cluster: JsonObject): Promise<void> {
    const { bucket, matches } = parseDirectory(logDirectory(cluster));
    const events = this.events(name);
    await mkdir(events, { recursive: true, mode: 0o700 });
    const there = new Set(await readdir(events));
    const found = (await listObjects(this.cloud, bucket)).filter(({ name: object }) => matches(object));
    for (const object of found) {
      const mark = `.${createHash("sha256").update(`${object.name} ${object.generation}`).digest("hex").slice(0, 32)}`;
      if (there.has(mark)) continue;
      const source = await localPath(this.cloud, bucket, object.name);
      await share(source, join(events, `${mark}.draft`));
      await rename(join(events, `${mark}.draft`), join(events, object.name.split("/").at(-1)!));
      await share(source, join(events, mark));
    }
  }

  private folder = (name: string) =>
    join(this.cloud.folder, "history", createHash("sha256").update(name).digest("hex").slice(0, 16));
  private events = (name: string) => join(this.folder(name), "events");
}

/** One for each cloud of this process: tests have several. */
const known = new WeakMap<Cloud, HistoryServers>();
export function historyOf(cloud: Cloud): HistoryServers {
  const servers = known.get(cloud) ?? new HistoryServers(cloud);
  known.set(cloud, servers);
  return servers;
}

async function clusterAt(host: string, cloud: Cloud): Promise<{ name: string; cluster: JsonObject }> {
  for (const { key, value } of await cloud.store.list(`projects/${cloud.project.id}/regions/`)) {
    const [, region, id] = /\/regions\/([^/]+)\/clusters\/([^/]+)$/.exec(key) ?? [];
    if (!region || !id || objectAt(objectAt(value, "config"), "endpointConfig").enableHttpPortAccess !== true) continue;
    if (new URL(historyAddress(id, region, cloud)).hostname === host) return { name: key, cluster: value };
  }
  throw new ApiError("NOT_FOUND", `No cluster has its component gateway at https://${host}.`);
}

/** Files right in the folders that a directory means; a star in it stands for one folder of any name. */
function parseDirectory(directory: string): { bucket: string; matches: (object: string) => boolean } {
  const [, bucket = "", path = ""] = /^gs:\/\/([^/]+)\/?(.*?)\/?$/.exec(directory) ?? [];
  const folder = path.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
  const pattern = new RegExp(`^${folder === "" ? "" : `${folder}/`}[^/]+$`);
  return { bucket, matches: (object) => pattern.test(object) };
}

async function share(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await copyFile(from, to);
  }
}

/** The server knows nothing of the gateway's path but that its links begin with it. */
async function pass({ port, identity }: HistoryRun, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").replace(/^\/sparkhistory(?=\/|$|\?)/, "") || "/";
  const { accept, "accept-language": language } = request.headers;
  const headers = { ...(accept && { accept }), ...(language && { "accept-language": language }) };
  const asked = ask({
    ...{ host: "localhost", port, path: path.startsWith("/") ? path : `/${path}`, method: request.method, headers },
    ...(identity as object),
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) =>
    asked.once("response", resolve).once("error", reject),
  );
  asked.end();
  const answer = await answered.catch((error: Error) => {
    throw new ApiError("UNAVAILABLE", `The history server did not answer: ${error.message}`);
  });
  const { "content-type": type = "text/html", location } = answer.headers;
  response.writeHead(answer.statusCode ?? 502, {
    "content-type": type,
    ...(location && { location: atGateway(location) }),
  });
  await pipeline(answer, response);
}

/** Redirections of the server lead to its own port. */
const atGateway = (location: string) =>
  location.replace(/^https?:\/\/[^/]+/, "").replace(/^(?!\/sparkhistory)\/?/, "/sparkhistory/");
