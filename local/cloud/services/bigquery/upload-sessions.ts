/** Sessions of resumable uploads: durable from the first answer, so that a client goes on after the cloud was killed. */
import { createHash, randomBytes } from "node:crypto";
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
  /** The job has been started: a repeated last request gets its answer. */
  done?: true;
}

export async function newSession(cloud: Cloud, of: Pick<UploadSession, "job" | "path" | "principal">) {
  const id = randomBytes(32).toString("base64url");
  const folder = incomingFolder(cloud);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const session: UploadSession = {
    ...{
      ...of,
      job: withJobId(of.job, id),
      id,
      file: join(folder, `${id}.part`),
      startedAt: cloud.now().toISOString(),
    },
  };
  await cloud.store.write({ put: { [`${PREFIX}${id}`]: session as unknown as JsonObject } });
  return session;
}

/** Google's clients name their jobs; else the session does, so that its job is started once however often it is asked for. */
function withJobId(job: JsonObject, id: string): JsonObject {
  const reference = (job.jobReference ?? {}) as JsonObject;
  const jobId = reference.jobId ?? `job_${createHash("sha256").update(id).digest("hex").slice(0, 28)}`;
  return { ...job, jobReference: { ...reference, jobId } };
}

export async function findSession(cloud: Cloud, id: string, principal: Principal): Promise<UploadSession> {
  const session = (await cloud.store.get(`${PREFIX}${id}`)) as unknown as UploadSession | undefined;
  if (!session || session.principal.email !== principal.email)
    throw new ApiError("NOT_FOUND", `No such upload session: ${id}`, [], 404, "notFound");
  return session;
}

/** After its job was started; the record stays for clients that did not get the answer. */
export async function endSession(cloud: Cloud, session: UploadSession): Promise<void> {
  await cloud.store.write({ put: { [`${PREFIX}${session.id}`]: { ...session, done: true } as unknown as JsonObject } });
  await rm(session.file, { force: true });
}

/** At start: old sessions go, and files that no session owns. */
export async function recoverUploads(cloud: Cloud): Promise<void> {
  const kept = new Set<string>();
  for (const { key, value } of await cloud.store.list(PREFIX)) {
    const { id, startedAt, done } = value as unknown as UploadSession;
    if (Date.parse(startedAt) + SESSION_MS < cloud.now().getTime()) await cloud.store.write({ delete: [key] });
    else if (!done) kept.add(`${id}.part`);
  }
  const folder = incomingFolder(cloud);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) if (!kept.has(name)) await rm(join(folder, name), { force: true });
}
