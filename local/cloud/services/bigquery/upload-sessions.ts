/** Sessions of resumable uploads: durable from the first answer, so that a client goes on after the cloud was killed. */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import type { JsonObject, Principal } from "../../service";
import { incomingFolder } from "./sources";

/** As long as Google keeps one. */
const SESSION_MS = 7 * 86_400_000;
const PREFIX = "bigquery/uploads/";

export interface UploadSession {
  id: string;
  job: JsonObject;
  path: Record<string, string>;
  principal: Principal;
  startedAt: string;
  /** Where the bytes gather. */
  file: string;
}

export async function newSession(cloud: Cloud, of: Pick<UploadSession, "job" | "path" | "principal">) {
  const id = randomBytes(32).toString("base64url");
  const folder = incomingFolder(cloud);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const session: UploadSession = {
    ...{ ...of, id, file: join(folder, `${id}.part`), startedAt: cloud.now().toISOString() },
  };
  await cloud.store.write({ put: { [`${PREFIX}${id}`]: session as unknown as JsonObject } });
  return session;
}

export async function findSession(cloud: Cloud, id: string, principal: Principal): Promise<UploadSession> {
  const session = (await cloud.store.get(`${PREFIX}${id}`)) as unknown as UploadSession | undefined;
  if (!session || session.principal.email !== principal.email)
    throw new ApiError("NOT_FOUND", `No such upload session: ${id}`, [], 404, "notFound");
  return session;
}

export async function removeSession(cloud: Cloud, id: string): Promise<void> {
  await cloud.store.write({ delete: [`${PREFIX}${id}`] });
}

/** At start: old sessions go, and files that no session owns. */
export async function recoverUploads(cloud: Cloud): Promise<void> {
  const kept = new Set<string>();
  for (const { key, value } of await cloud.store.list(PREFIX)) {
    const { id, startedAt } = value as unknown as UploadSession;
    if (Date.parse(startedAt) + SESSION_MS < cloud.now().getTime()) await cloud.store.write({ delete: [key] });
    else kept.add(`${id}.part`);
  }
  const folder = incomingFolder(cloud);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) if (!kept.has(name)) await rm(join(folder, name), { force: true });
}
