/**
 * Builds: durable before their answer, carried out as the account that they name, begun anew after a restart.
 * Source: https://cloud.google.com/build/docs/api/reference/rest/v1/projects.locations.builds
 */
import { createHash } from "node:crypto";
import type { Cloud } from "../../cloud";
import { pageOf } from "../../engine/list";
import { operationError } from "../../engine/operations";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Call, Json, JsonObject, Principal } from "../../service";
import { requireActAs } from "../references";
import { localPath } from "../storage/objects";
import { wantedBuild } from "./request";

const PREFIX = "cloudbuild/";
const GOING = ["QUEUED", "WORKING"];
const OUTPUT_ONLY = ["id", "name", "status", "createTime", "startTime", "finishTime", "results", "projectId", "logUrl"];

/** What is kept of a build beside what its clients see. */
interface Kept extends JsonObject {
  build: JsonObject;
  operation: string;
  /** The operation's, once the build has failed. */
  error: JsonObject | null;
}

export async function createBuild(call: Call, cloud: Cloud, builder: Builder): Promise<Json> {
  const wanted = wantedBuild(call.body, cloud.project.id);
  await requireActAs(wanted.account, call, cloud);
  const now = cloud.now().toISOString();
  const parent = textOf(call.path.parent) || `projects/${cloud.project.id}/locations/global`;
  const id = idOf(`${parent}/${wanted.image}/${now}`);
  const sent = Object.entries(call.body).filter(([field]) => !OUTPUT_ONLY.includes(field));
  const build: JsonObject = {
    ...Object.fromEntries(sent),
    ...{ id, name: `${parent}/builds/${id}`, projectId: cloud.project.id, status: "QUEUED", createTime: now },
  };
  const operation = await cloud.operations.start({ parent, id, metadata: metadataOf(build), call });
  const kept: Kept = { build, operation: textOf(operation.name), error: null };
  await cloud.store.write({ put: { [PREFIX + textOf(build.name)]: kept } });
  builder.begin(kept);
  return operation;
}

export async function getBuild(call: Call, cloud: Cloud): Promise<Json> {
  const name = textOf(call.path.name) || `${parentOf(call, cloud)}/builds/${textOf(call.path.id)}`;
  const kept = (await cloud.store.get(PREFIX + name)) as Kept | undefined;
  if (!kept) throw new ApiError("NOT_FOUND", `Build '${name}' was not found.`);
  return kept.build;
}

/** Newest first, as the service lists them. */
export async function listBuilds(call: Call, cloud: Cloud): Promise<Json> {
  const kept = await cloud.store.list(`${PREFIX}${parentOf(call, cloud)}/builds/`);
  const builds = kept.map(({ key, value }) => ({ key, value: (value as Kept).build }));
  const newest = { ...call, query: { ...call.query, orderBy: "createTime desc" } };
  const { items, nextPageToken } = pageOf(builds, newest);
  return { ...(items.length > 0 && { builds: items }), ...(nextPageToken && { nextPageToken }) };
}

const parentOf = (call: Call, cloud: Cloud) =>
  textOf(call.path.parent) || `projects/${cloud.project.id}/locations/global`;

export class Builder {
  private readonly going = new Set<Promise<void>>();
  private readonly closing = new AbortController();

  constructor(private readonly cloud: Cloud) {}

  begin(kept: Kept): void {
    const end: Promise<void> = this.carryOut(kept)
      .catch((error: unknown) => this.cloud.log.error({ err: error, build: kept.build.name }, "build was not recorded"))
      .finally(() => this.going.delete(end));
    this.going.add(end);
  }

  /**
   * What a killed cloud left unfinished is built anew: an image is in the list whole or not at all. One whose end it had
   * stored has an operation that may not know of it.
   */
  async recover(): Promise<void> {
    for (const { value } of await this.cloud.store.list(PREFIX)) {
      const kept = value as Kept;
      if (GOING.includes(textOf(kept.build.status))) this.begin(kept);
      else await this.answer(kept);
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([...this.going]);
  }

  private async carryOut(kept: Kept): Promise<void> {
    const { cloud } = this;
    const { build } = kept;
    await this.keep(kept, { status: "WORKING", startTime: cloud.now().toISOString() });
    try {
      const results = { images: [await this.make(build)] };
      await this.keep(kept, { status: "SUCCESS", finishTime: cloud.now().toISOString(), results });
    } catch (error) {
      // A cloud that is being shut down has not failed to build; the next one does it.
      if (this.closing.signal.aborted) return;
      const refusal = error instanceof ApiError ? error : new ApiError("FAILED_PRECONDITION", (error as Error).message);
      const failure = { status: "FAILURE", statusDetail: refusal.message, finishTime: cloud.now().toISOString() };
      const failureInfo = { type: "USER_BUILD_STEP", detail: refusal.message };
      kept.error = operationError(refusal);
      await this.keep(kept, { ...failure, failureInfo });
      cloud.log.error({ err: error, build: build.name }, "build failed");
    }
    await this.answer(kept);
  }

  /** Tells the operation the end of its build, unless it knows it or nobody waits for it any more. */
  private async answer({ build, operation, error }: Kept): Promise<void> {
    const { operations } = this.cloud;
    const pending = await operations.get(operation).catch((problem: unknown) => {
      if (problem instanceof ApiError && problem.status === "NOT_FOUND") return { done: true };
      throw problem;
    });
    if (pending.done === true) return;
    const response = { "@type": "type.googleapis.com/google.devtools.cloudbuild.v1.Build", ...build };
    if (error)
      await operations.fail(operation, { code: Number(error.code), message: textOf(error.message) }, metadataOf(build));
    else await operations.finish(operation, response, metadataOf(build));
  }

  private async make(build: JsonObject): Promise<{ name: string; digest: string }> {
    const { cloud } = this;
    const { bucket, object, generation, image, repository, account } = wantedBuild(build, cloud.project.id);
    const principal: Principal = { kind: "serviceAccount", email: account, via: "impersonation" };
    const found = await cloud.call({ methodId: "storage.objects.get", path: { bucket, object } }, principal);
    const got = textOf((found as JsonObject).generation);
    if (generation !== "" && generation !== got)
      throw new ApiError("NOT_FOUND", `gs://${bucket}/${object}: got generation ${got}; expected ${generation}.`);
    if (!(await cloud.store.get(repository)))
      throw new ApiError("NOT_FOUND", `Repository '${repository}' was not found.`);
    await cloud.access.require({
      principal,
      permission: "artifactregistry.repositories.uploadArtifacts",
      resource: `//artifactregistry.googleapis.com/${repository}`,
      method: "cloudbuild.projects.locations.builds.create",
    });
    const log = (line: string) => cloud.log.info({ build: build.id, line }, "build");
    const archive = await localPath(cloud, bucket, object);
    const { digest } = await cloud.engines.images.build({
      ...{ archive, reference: image, log, signal: this.closing.signal },
    });
    return { name: image, digest };
  }

  private async keep(kept: Kept, changes: JsonObject): Promise<void> {
    Object.assign(kept.build, changes);
    await this.cloud.store.write({ put: { [PREFIX + textOf(kept.build.name)]: kept } });
  }
}

const metadataOf = (build: JsonObject): JsonObject => ({
  "@type": "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata",
  build: { ...build },
});

/** In the form of the service's ids; the same for the same request at the same time. */
function idOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
