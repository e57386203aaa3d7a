/**
 * A function's source: an archive of the program's, copied to the service's own bucket, so that the function stays what
 * it was when the program's object goes, and unpacked for the process that runs it.
 */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Call, JsonObject } from "../../service";
import { agent, ensureBucket, requireObject } from "../references";
import { localPath, readObject, writeObject } from "../storage/objects";

/** Buckets that the service keeps for itself; they stay when the last function goes. */
const bucketOf = (kind: "sources" | "uploads", region: string, cloud: Cloud) =>
  `gcf-v2-${kind}-${cloud.project.number}-${region}`;

/** Checks and keeps the archive that a function's `source` names; answers where it is kept. */
export async function keepSource(name: string, source: JsonObject, call: Call, cloud: Cloud): Promise<JsonObject> {
  const { bucket, object } = source.storageSource as JsonObject;
  const [from, archive] = [textOf(bucket), textOf(object)];
  await requireObject(from, archive, call, cloud);
  const folder = folderOf(name, cloud);
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  // Checked before anything changes: what is deployed stays until the new one is known to be good.
  await cloud.engines.servers.unpack(await localPath(cloud, from, archive), `${folder}.new`).catch((error: Error) => {
    throw new ApiError("INVALID_ARGUMENT", `Build failed: gs://${from}/${archive}: ${error.message}`);
  });
  await rm(`${folder}.new`, { recursive: true });
  const region = name.split("/")[3]!;
  const robot = agent("gcf-admin-robot", cloud);
  for (const kind of ["sources", "uploads"] as const)
    await ensureBucket(bucketOf(kind, region, cloud), region, robot, cloud);
  const kept = { bucket: bucketOf("sources", region, cloud), name: `${name.split("/").at(-1)}/function-source.zip` };
  const { stream } = await readObject(cloud, from, archive);
  const { generation } = await writeObject(cloud, { ...kept, contentType: "application/zip" }, stream);
  return { bucket: kept.bucket, object: kept.name, generation };
}

/** Folder with the files of a function as it is deployed; unpacked when it is first asked for. */
export async function deployedFolder(resource: JsonObject, cloud: Cloud): Promise<string> {
  const { sourceProvenance } = resource.buildConfig as JsonObject;
  const { bucket, object, generation } = (sourceProvenance as JsonObject).resolvedStorageSource as JsonObject;
  const folder = join(folderOf(textOf(resource.name), cloud), textOf(generation));
  if (!existsSync(folder))
    await cloud.engines.servers.unpack(await localPath(cloud, textOf(bucket), textOf(object)), folder);
  return folder;
}

export const forgetFiles = (name: string, cloud: Cloud) => rm(folderOf(name, cloud), { recursive: true, force: true });

const folderOf = (name: string, cloud: Cloud) =>
  join(cloud.folder, "functions", name.split("/")[3]!, name.split("/").at(-1)!);
