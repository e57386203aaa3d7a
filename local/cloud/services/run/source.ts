/**
 * Source of a service that is deployed without a build: an archive in a bucket, unpacked when it is deployed, so that
 * the service stays what it was when the archive goes. Source: SourceCode in the description of run.v2.
 */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Call, JsonObject } from "../../service";
import { requireObject } from "../references";
import { localPath } from "../storage/objects";

/** Finds and unpacks the archive; what it is called stays in the container, with the generation that was meant. */
export async function deploySource(name: string, container: JsonObject, call: Call, cloud: Cloud): Promise<void> {
  const source = sourceOf(container);
  const [bucket, object] = [textOf(source.bucket), textOf(source.object)];
  const { generation } = await requireObject(bucket, object, call, cloud);
  source.generation ??= generation!;
  const found = textOf(generation);
  if (source.generation !== found)
    throw new ApiError(
      "INVALID_ARGUMENT",
      `gs://${bucket}/${object}: got generation ${textOf(source.generation)}; the object has ${found}.`,
    );
  const folder = sourceFolder(name, container, cloud);
  if (existsSync(folder)) return;
  const [entry = "index.js"] = (container.args ?? []) as string[];
  await cloud.engines.servers.unpack(await localPath(cloud, bucket, object), folder, entry).catch((error: Error) => {
    throw new ApiError("INVALID_ARGUMENT", `gs://${bucket}/${object}: ${error.message}`);
  });
}

/** Folder with the files of the deployed source. */
export const sourceFolder = (name: string, container: JsonObject, cloud: Cloud) =>
  join(folderOf(name, cloud), textOf(sourceOf(container).generation));

export const forgetSource = (name: string, cloud: Cloud) => rm(folderOf(name, cloud), { recursive: true, force: true });

function sourceOf(container: JsonObject): JsonObject {
  const { cloudStorageSource } = container.sourceCode as JsonObject;
  if (cloudStorageSource) return cloudStorageSource as JsonObject;
  throw new ApiError("INVALID_ARGUMENT", "source_code: expected cloud_storage_source; other sources are not run here.");
}

const folderOf = (name: string, cloud: Cloud) =>
  join(cloud.folder, "services", name.split("/")[3]!, name.split("/").at(-1)!);
