/** Images of this repository: built by Cloud Build from the archives that the program delivers, unless they are there. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { asClient, type Context } from "../context";
import { readDeployed } from "../deployed";
import { EXIT } from "../exit-codes";
import { ask, listAll } from "../google";
import { LOCAL_STACK, UserError } from "../lab";
import type { ImageRequest } from "../requests";
import type { Terminal } from "../terminal";

const sourceSchema = z.object({
  image: z.string(),
  bucket: z.string(),
  object: z.string(),
  generation: z.string(),
  builder: z.string(),
});
type Source = z.infer<typeof sourceSchema>;
const outputsSchema = z.object({
  project: z.string(),
  region: z.string(),
  images: z.record(z.string(), sourceSchema).default({}),
});

const LOOK_EVERY_MS = 1000;

export async function image(request: ImageRequest, context: Context): Promise<number> {
  const { outputs = {} } = await readDeployed(context.lab, request.stack);
  const known = outputsSchema.safeParse(outputs);
  if (!known.success)
    throw new UserError(
      `Stack "${request.stack}": expected outputs project and region; got none. npx sparklab up${request.stack === LOCAL_STACK ? "" : ` -s ${request.stack}`}`,
    );
  const { images, ...place } = known.data;
  const unknown = request.names.filter((name) => !images[name]);
  if (unknown.length > 0)
    throw new UserError(
      `image: got ${unknown.join(", ")}; expected ${Object.keys(images).join(", ") || "none: no feature of this stack has an image"}.`,
    );
  const wanted = Object.entries(images).filter(([name]) => request.names.length === 0 || request.names.includes(name));
  return asClient(context, request.stack, async () => {
    for (const [name, source] of wanted) if (!(await made(name, source, place, context.terminal))) return EXIT.failed;
    return EXIT.done;
  });
}

interface Place {
  project: string;
  region: string;
}

/** Whether the image is there, or has been built. */
async function made(name: string, source: Source, place: Place, terminal: Terminal): Promise<boolean> {
  if (await isThere(source.image)) {
    terminal.note(`image ${name}: there already, ${source.image}`);
    return true;
  }
  const began = Date.now();
  const problem = await terminal.wait(`Building the image ${name}`, build(source, place));
  if (problem === undefined) {
    terminal.note(`image ${name}: built in ${Math.round((Date.now() - began) / 1000)} s, ${source.image}`);
    return true;
  }
  terminal.note(`image ${name}: was not built: ${problem}\nnpx sparklab image build ${name} builds it again.`);
  return false;
}

/** `us-central1-docker.pkg.dev/project/repository/name:tag`. */
async function isThere(reference: string): Promise<boolean> {
  const [, region, project, repository, name, tag] =
    /^([a-z0-9-]+)-docker\.pkg\.dev\/([^/]+)\/([^/]+)\/([^:]+):(.+)$/.exec(reference) ?? [];
  const folder = `projects/${project}/locations/${region}/repositories/${repository}`;
  const found = await listAll<{ uri: string; tags?: string[] }>(
    `https://artifactregistry.googleapis.com/v1/${folder}/dockerImages`,
    "dockerImages",
  );
  return found.some(({ uri, tags = [] }) => uri.includes(`/${name}@`) && tags.includes(tag!));
}

/** Why it failed, if it did. */
async function build({ image: reference, bucket, object, generation, builder }: Source, { project, region }: Place) {
  const api = "https://cloudbuild.googleapis.com/v1";
  const { metadata } = await ask<{ metadata: { build: { id: string } } }>(
    "POST",
    `${api}/projects/${project}/locations/${region}/builds`,
    {
      source: { storageSource: { bucket, object, generation } },
      steps: [{ name: "gcr.io/cloud-builders/docker", args: ["build", "--tag", reference, "."] }],
      images: [reference],
      serviceAccount: `projects/${project}/serviceAccounts/${builder}`,
      options: { logging: "CLOUD_LOGGING_ONLY" },
    },
  );
  for (;;) {
    const { status, statusDetail = status } = await ask<{ status: string; statusDetail?: string }>(
      "GET",
      `${api}/projects/${project}/locations/${region}/builds/${metadata.build.id}`,
    );
    if (status === "SUCCESS") return undefined;
    if (!["PENDING", "QUEUED", "WORKING"].includes(status)) return statusDetail;
    await pause(LOOK_EVERY_MS);
  }
}
