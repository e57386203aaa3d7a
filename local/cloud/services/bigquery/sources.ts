/** Files of a load job: objects of our own storage, linked so that they stay while the job reads them. */
import { randomBytes } from "node:crypto";
import { copyFile, link, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import type { JsonObject } from "../../service";
import { listObjects, localPath } from "../storage/objects";

/** One file as the engine takes it. It removes a temporary one when the job has ended. */
export interface SourceFile extends JsonObject {
  uri: string;
  path: string;
  size: number;
  temporary: boolean;
}

/** Bytes that came with a request or are about to be read; emptied of what no session owns at each start. */
export const incomingFolder = (cloud: Pick<Cloud, "folder">) => join(cloud.folder, "bigquery", "incoming");

export async function newIncoming(cloud: Cloud, suffix: string): Promise<string> {
  await mkdir(incomingFolder(cloud), { recursive: true, mode: 0o700 });
  return join(incomingFolder(cloud), `${randomBytes(16).toString("hex")}${suffix}`);
}

/** Finds and links all objects that the patterns mean; one pattern that means nothing fails them all, as at Google. */
export async function openSources(cloud: Cloud, uris: readonly string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  try {
    for (const uri of uris) {
      const { bucket, pattern, matches } = parseSource(uri);
      const prefix = pattern.split("*")[0]!;
      const found = (await listObjects(cloud, bucket, prefix)).filter(({ name }) => matches(name));
      if (found.length === 0) throw missing(uri);
      for (const { name, size } of found) {
        const path = await newIncoming(cloud, extension(name));
        await share(await localPath(cloud, bucket, name), path);
        files.push({ uri: `gs://${bucket}/${name}`, path, size, temporary: true });
      }
    }
    return files;
  } catch (error) {
    await Promise.all(files.map(({ path }) => rm(path, { force: true })));
    throw error;
  }
}

/** Bucket, pattern of names, and which names the pattern means. */
export function parseSource(uri: string): { bucket: string; pattern: string; matches: (name: string) => boolean } {
  const found = /^gs:\/\/([^/*]+)\/(.+)$/.exec(uri);
  if (!found || uri.split("*").length > 2)
    throw new ApiError(
      "INVALID_ARGUMENT",
      `Source URI: got ${uri}; expected gs://<bucket>/<object> with at most one * in the object's name.`,
      [],
      400,
      "invalid",
    );
  return { bucket: found[1]!, pattern: found[2]!, matches: matcher(found[2]!) };
}

function matcher(pattern: string): (name: string) => boolean {
  const [start, end] = pattern.split("*");
  if (end === undefined) return (name) => name === pattern;
  return (name) => name.startsWith(start!) && name.endsWith(end) && name.length >= pattern.length - 1;
}

const missing = (uri: string) =>
  new ApiError("NOT_FOUND", `Not found: Uris List of uris matching the pattern is empty: ${uri}`, [], 404, "notFound");

/** Readers tell compression by it. */
const extension = (name: string) => /(\.[a-z]{2,8}){0,2}$/i.exec(name)?.[0] ?? "";

async function share(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await copyFile(from, to);
  }
}
